package upstream

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// KeyEncryptionKey returns the AEAD that wraps the database's own key, from a file in dir that is
// made at the first call. In production that is a key of AWS KMS; upstream's tests and its --dev
// mode have a stand-in too. It is used once at the start, so that it plays no part in a request.
func KeyEncryptionKey(dir string) (tink.AEAD, error) {
	path := filepath.Join(dir, "key-encryption-key")
	key, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		key = make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		err = os.WriteFile(path, key, 0o600)
	}
	if err != nil {
		return nil, fmt.Errorf("key-encryption key: %w", err)
	}
	return subtle.NewAESGCM(key)
}
