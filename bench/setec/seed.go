package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"

	"leger/conformance/setec/upstream"
)

// seed writes a database with this many secrets of one version each into a state directory.
//
// setec writes the whole database at each put, so that getting there by puts takes minutes. The
// format is that of setec's db/kv.go (wrapped, persist, secret): a data key under the
// key-encryption key, and all secrets as one JSON text under the data key.
func seed(state string, secrets int) error {
	type secret struct {
		Versions                     map[string][]byte
		ActiveVersion, LatestVersion uint32
	}
	all := make(map[string]secret, secrets)
	for i := range secrets {
		all[fmt.Sprintf("seeded/%06d", i)] = secret{map[string][]byte{"1": value(i)}, 1, 1}
	}
	clear, err := json.Marshal(map[string]any{"Secrets": all})
	if err != nil {
		return err
	}
	dataKey, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return err
	}
	keyEncryptionKey, err := upstream.KeyEncryptionKey(state)
	if err != nil {
		return err
	}
	var wrappedKey bytes.Buffer
	if err := dataKey.WriteWithAssociatedData(
		keyset.NewBinaryWriter(&wrappedKey), keyEncryptionKey, []byte("setec DEK v1"),
	); err != nil {
		return err
	}
	cipher, err := aead.New(dataKey)
	if err != nil {
		return err
	}
	sealed, err := cipher.Encrypt(clear, []byte("setec database v1"))
	if err != nil {
		return err
	}
	database, err := json.Marshal(map[string]any{
		"Version": 1, "DEK": wrappedKey.Bytes(), "DB": sealed,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(state, upstream.DatabaseName), database, 0o600)
}
