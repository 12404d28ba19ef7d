package conformance

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// restated tells for each test of setec's own, by its directory and name, which tests here state
// the same against a running server, or, after a minus sign, why it has no part on the wire.
var restated = map[string]string{
	"acl.TestACL": "TestRulesAddUp TestOnlyTheStarIsAWildcard",

	"audit.TestWriter": "- the audit log is a file",

	"db.TestCreate":               "TestStateOutlivesARestart",
	"db.TestList":                 "TestListFollowsEveryChange TestStateOutlivesARestart",
	"db.TestGet":                  "TestEveryVersionCanBeReadAndActivated TestStateOutlivesARestart",
	"db.TestPut":                  "TestPutOfTheLatestValueStoresNothing",
	"db.TestCreateVersion":        "TestCreateVersionActivatesNumbersInAnyOrder",
	"db.TestCreateVersion/create": "TestCreateVersionActivatesNumbersInAnyOrder",
	"db.TestCreateVersion/create_disjoint_allowed": "TestCreateVersionMayBeginAnywhere",
	"db.TestCreateVersion/create_zero_prohibited":  "TestVersionZero",
	"db.TestCreateVersion/put_create_put_delete":   "TestPutContinuesAfterTheHighestNumberEverUsed",
	"db.TestDelete":        "TestDeleteTakesAllVersionsAndForgetsTheirNumbers",
	"db.TestDeleteVersion": "TestDeleteVersionTakesOneThatIsNotActive",

	"server.TestNew":              "- how the server is constructed",
	"server.TestNew/NoDB":         "- how the server is constructed",
	"server.TestNew/PathKey":      "- how the server is constructed",
	"server.TestNew/DB":           "- how the server is constructed",
	"server.TestServerGetChanged": "TestTheClientSeesAnActivationByGetIfChanged",
	"server.TestServerStatus":     "TestTheClientIsToldWhatItMayNotDo",

	"client/setec.TestFileStore":                        "- a file takes the server's place",
	"client/setec.TestFileStore/Client":                 "- a file takes the server's place",
	"client/setec.TestFileStore/Store":                  "TestAFileCacheOfTheServerServesWithoutIt",
	"client/setec.TestFileStore/Missing":                "- a file takes the server's place",
	"client/setec.TestFileClientCacheCompatibility":     "TestAFileCacheOfTheServerServesWithoutIt",
	"client/setec.TestExample":                          "TestFieldsAreFilledFromTheServer",
	"client/setec.TestFields":                           "TestFieldsAreFilledFromTheServer",
	"client/setec.TestKeyring":                          "TestKeyringHasAllVersions",
	"client/setec.TestParseErrors":                      "- no server is asked",
	"client/setec.TestParseErrors/NonPointer":           "- no server is asked",
	"client/setec.TestParseErrors/NonStruct":            "- no server is asked",
	"client/setec.TestParseErrors/InvalidType":          "- no server is asked",
	"client/setec.TestParseErrors/NoTaggedFields":       "- no server is asked",
	"client/setec.TestWatcher":                          "TestUpdaterFollowsAnActivation TestUpdaterLooksUpASecret",
	"client/setec.TestPollDisabled":                     "- about a goroutine of the client",
	"client/setec.TestStore":                            "TestStoreHasWhatItDeclares",
	"client/setec.TestStore/NewStore_missingURL":        "TestStoreIsNotMadeOfNothing",
	"client/setec.TestStore/NewStore_emptySecrets":      "TestStoreIsNotMadeOfNothing",
	"client/setec.TestStore/NewStore_missingSecret":     "TestStoreGivesUpWithItsContext",
	"client/setec.TestStore/NewStoreOK":                 "TestStoreHasWhatItDeclares",
	"client/setec.TestStore/NewStore_noLookup":          "TestStoreHasWhatItDeclares",
	"client/setec.TestStore/NewStore_emptyName":         "TestStoreIsNotMadeOfNothing",
	"client/setec.TestStore/NewStore_dupName":           "TestStoreHasWhatItDeclares",
	"client/setec.TestCachedStore":                      "TestCachedValuesServeUntilThePollHasNewerOnes",
	"client/setec.TestCachedStore/VerifyMetrics":        "TestCachedValuesServeUntilThePollHasNewerOnes",
	"client/setec.TestBadCache":                         "TestABadCacheIsAnEmptyOne",
	"client/setec.TestSlowInit":                         "TestStoreWaitsForASecretThatIsNotThereYet",
	"client/setec.TestUpdater":                          "TestUpdaterFollowsAnActivation",
	"client/setec.TestUpdater/Dynamic":                  "TestUpdaterFollowsAnActivation",
	"client/setec.TestUpdater/Static":                   "- no server is asked",
	"client/setec.TestLookup":                           "TestStoreLooksUpWhatItDidNotDeclare",
	"client/setec.TestVersionedSecret":                  "TestVersionedSecretKeepsSeveralVersions",
	"client/setec.TestVersionedSecretUnsupportedClient": "- a file takes the server's place",
	"client/setec.TestVersionedSecretLookupsDisabled":   "- a file takes the server's place",
	"client/setec.TestCacheExpiry":                      "TestUndeclaredSecretsExpireFromTheCache",
	"client/setec.TestCacheExpiry/Setup":                "TestUndeclaredSecretsExpireFromTheCache",
	"client/setec.TestCacheExpiry/Probe":                "TestUndeclaredSecretsExpireFromTheCache",
	"client/setec.TestNewFileCache":                     "- no server is asked",
	"client/setec.TestNewFileCache/OK":                  "- no server is asked",
	"client/setec.TestNewFileCache/Create":              "- no server is asked",
	"client/setec.TestNewFileCache/FailMkdir":           "- no server is asked",
	"client/setec.TestNewFileCache/FailType":            "- no server is asked",
	"client/setec.TestPartialRefresh":                   "TestStoreTakesWhatItCanGetOfARefresh",
	"client/setec.TestNilSecret":                        "- no server is asked",
}

func TestEveryTestOfSetecIsRestated(t *testing.T) {
	where, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/tailscale/setec").Output()
	if err != nil {
		t.Fatalf("Find setec's source: %v", err)
	}
	theirs := map[string]bool{}
	for _, directory := range []string{"acl", "audit", "client/setec", "db", "server"} {
		for name := range testsIn(t, filepath.Join(strings.TrimSpace(string(where)), directory)) {
			theirs[directory+"."+name] = true
		}
	}
	ours := testsIn(t, ".")
	for name := range theirs {
		as, known := restated[name]
		if !known {
			t.Errorf("%s of setec is not restated", name)
		}
		if strings.HasPrefix(as, "- ") {
			continue
		}
		for _, test := range strings.Fields(as) {
			if !ours[test] {
				t.Errorf("%s of setec is said to be %s, which is no test here", name, test)
			}
		}
	}
	for name := range restated {
		if !theirs[name] {
			t.Errorf("%s is no test of setec", name)
		}
	}
}

// testsIn returns the tests in a directory's files, and their subtests whose names are literals.
func testsIn(t *testing.T, directory string) map[string]bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(directory, "*_test.go"))
	if err != nil || len(files) == 0 {
		t.Fatalf("No tests in %s: %v", directory, err)
	}
	found := map[string]bool{}
	for _, path := range files {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, declaration := range file.Decls {
			test, isFunction := declaration.(*ast.FuncDecl)
			if !isFunction || !strings.HasPrefix(test.Name.Name, "Test") || test.Name.Name == "TestMain" {
				continue
			}
			found[test.Name.Name] = true
			ast.Inspect(test, func(node ast.Node) bool {
				if name, isRun := subtest(node); isRun {
					found[test.Name.Name+"/"+name] = true
				}
				return true
			})
		}
	}
	return found
}

// subtest returns the name in a call of t.Run("name", …).
func subtest(node ast.Node) (string, bool) {
	call, isCall := node.(*ast.CallExpr)
	if !isCall || len(call.Args) != 2 {
		return "", false
	}
	method, isMethod := call.Fun.(*ast.SelectorExpr)
	literal, isLiteral := call.Args[0].(*ast.BasicLit)
	if !isMethod || method.Sel.Name != "Run" || !isLiteral {
		return "", false
	}
	name, err := strconv.Unquote(literal.Value)
	return name, err == nil
}
