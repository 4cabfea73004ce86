package ingest

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// DefaultStream is the name of the stream that exists without configuration.
const DefaultStream = "main"

const (
	// keyFile is where the default stream's key lives in the data folder.
	keyFile = "stream-key"
	// minKey and maxKey bound a key in characters.
	minKey, maxKey = 16, 128
	// randomKey is how many characters of a new key are random: 28 of 31
	// letters are 138 bits.
	randomKey = 28
	// keyLetters leaves out what is easily mistaken when read aloud or typed:
	// i, l, o, 0 and 1.
	keyLetters = "abcdefghjkmnpqrstuvwxyz23456789"
)

// StreamKey is one line of the configuration: who holds Key publishes the
// stream Name.
type StreamKey struct {
	// Name is public, see ValidName.
	Name string
	// Key is secret: 16 to 128 letters, digits, '-', '_', '.' or '~'.
	Key string
	// Passphrase is what SRT has to be encrypted with; empty for none.
	Passphrase string
	// Backup is true for the key of a backup publisher, which stands beside the
	// stream's own.
	Backup bool
}

// Keys finds the stream that a key opens. It is immutable.
type Keys struct {
	names       []string
	digests     [][sha256.Size]byte
	passphrases []string
	backups     []bool
	open        bool
}

// NewKeys holds the keys of a configuration. It reports every mistake at once.
func NewKeys(keys []StreamKey) (*Keys, error) {
	k := &Keys{}
	var mistakes []error
	type place struct {
		name   string
		backup bool
	}
	taken := make(map[place]bool)
	owners := make(map[string]string)
	for _, key := range keys {
		at := place{key.Name, key.Backup}
		switch owner, owned := owners[key.Key]; {
		case !ValidName(key.Name):
			mistakes = append(mistakes, fmt.Errorf("stream name %q: use 1 to 64 of a-z, 0-9, '-' and '_', beginning with a letter or digit", key.Name))
		case taken[at]:
			mistakes = append(mistakes, fmt.Errorf("stream %s is there twice: remove one", key.Name))
		case len(key.Key) < minKey || len(key.Key) > maxKey:
			mistakes = append(mistakes, fmt.Errorf("the key of stream %s has %d characters: use %d to %d", key.Name, len(key.Key), minKey, maxKey))
		case !validKey(key.Key):
			mistakes = append(mistakes, fmt.Errorf("the key of stream %s has characters that do not go into a URL: use letters, digits, '-', '_', '.' and '~'", key.Name))
		case owned && owner == key.Name:
			mistakes = append(mistakes, fmt.Errorf("the backup of stream %s has the stream's own key: give it another", owner))
		case owned:
			mistakes = append(mistakes, fmt.Errorf("streams %s and %s have the same key: give each its own", owner, key.Name))
		}
		taken[at], owners[key.Key] = true, key.Name
		k.backups = append(k.backups, key.Backup)
		k.names, k.passphrases = append(k.names, key.Name), append(k.passphrases, key.Passphrase)
		k.digests = append(k.digests, sha256.Sum256([]byte(key.Key)))
	}
	if err := errors.Join(mistakes...); err != nil {
		return nil, err
	}
	return k, nil
}

// OpenKeys takes any valid stream name for its key, for trusted networks.
func OpenKeys() *Keys { return &Keys{open: true} }

// Open reports whether any name is taken for its key.
func (k *Keys) Open() bool { return k.open }

// Lookup finds what key opens. The error is a *Rejection. How long it takes does not
// tell how much of a key was right: all entries are compared to the end, by their
// digests.
func (k *Keys) Lookup(key string) (Grant, error) {
	if key == "" {
		return Grant{}, &Rejection{Reason: MissingKey, Message: "The stream key is empty. Copy it into your encoder's stream key field."}
	}
	if k.open {
		if !ValidName(key) {
			return Grant{}, &Rejection{Reason: WrongKey, Message: "This server takes the stream's name as the key: 1 to 64 of a-z, 0-9, '-' and '_'."}
		}
		return Grant{Stream: key}, nil
	}
	found := k.find(key)
	if found < 0 {
		return Grant{}, k.unknown(key)
	}
	return Grant{Stream: k.names[found], Rules: Rules{Backup: k.backups[found]}, Passphrase: k.passphrases[found]}, nil
}

// find is the place of a key, -1 if it has none.
func (k *Keys) find(key string) int {
	digest := sha256.Sum256([]byte(key))
	found := -1
	for i := range k.digests {
		equal := subtle.ConstantTimeCompare(digest[:], k.digests[i][:])
		found = subtle.ConstantTimeSelect(equal, i, found)
	}
	return found
}

// unknown says what may have gone wrong. Names are public, so it may say that
// one was used as a key.
func (k *Keys) unknown(key string) error {
	for _, name := range k.names {
		if strings.EqualFold(name, key) {
			return NameForKey(name)
		}
	}
	return &Rejection{
		Reason:  WrongKey,
		Message: "No stream has this key. Copy the whole stream key again into your encoder; if it is lost, whoever runs the server can give you a new one.",
	}
}

// NameForKey tells a publisher that it used the stream's name as its key.
func NameForKey(name string) *Rejection {
	return &Rejection{
		Reason:  WrongKey,
		Message: fmt.Sprintf("%q is the stream's name, not its key. Copy the secret stream key into your encoder; whoever runs the server has it.", name),
	}
}

// ValidName reports whether name may name a stream: it goes into URLs, file
// names and metrics as it is.
func ValidName(name string) bool {
	if name == "" || len(name) > 64 || name[0] == '-' || name[0] == '_' {
		return false
	}
	for _, c := range []byte(name) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func validKey(key string) bool {
	for _, c := range []byte(key) {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && !strings.ContainsRune("-_.~", rune(c)) {
			return false
		}
	}
	return true
}

// DefaultKey is the key of the stream named DefaultStream. It is read from the
// data folder; the first time, a random one is written there, for the owner's
// eyes alone. The folder is made if it does not exist.
func DefaultKey(dataDir string) (key string, err error) {
	if err = os.MkdirAll(dataDir, 0o700); err != nil {
		return "", fmt.Errorf("create the data folder for the stream key: %w", err)
	}
	folder, err := os.OpenRoot(dataDir)
	if err != nil {
		return "", fmt.Errorf("open the data folder for the stream key: %w", err)
	}
	defer func() { err = errors.Join(err, folder.Close()) }()
	raw, err := folder.ReadFile(keyFile)
	if errors.Is(err, fs.ErrNotExist) {
		return createKey(folder)
	}
	if err != nil {
		return "", fmt.Errorf("read the stream key: %w", err)
	}
	key = strings.TrimSpace(string(raw))
	if len(key) < minKey || len(key) > maxKey || !validKey(key) {
		return "", fmt.Errorf("%s in %s holds no usable stream key: delete it, and a new one is made", keyFile, dataDir)
	}
	return key, nil
}

// createKey writes a new key to a file of its own and puts it in place in one
// step: after a crash there is a whole key or none.
func createKey(folder *os.Root) (string, error) {
	const unfinished = keyFile + ".new"
	key := NewKey(DefaultStream)
	file, err := folder.OpenFile(unfinished, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return "", fmt.Errorf("write the stream key: %w", err)
	}
	_, err = file.WriteString(key + "\n")
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = folder.Rename(unfinished, keyFile)
	}
	if err != nil {
		return "", fmt.Errorf("keep the stream key: %w", err)
	}
	return key, nil
}

// NewKey makes a key for the stream called name: the name and 28 random letters,
// 138 bits, as one word, so that a double click selects all of it.
func NewKey(name string) string {
	key := []byte(name + "_")
	var raw [64]byte
	for {
		rand.Read(raw[:]) // It never fails: the program ends if there is no randomness.
		for _, b := range raw {
			// 248 is the greatest multiple of 31 in a byte: no letter is
			// likelier than another.
			if b >= 248 {
				continue
			}
			key = append(key, keyLetters[int(b)%len(keyLetters)])
			if len(key) == len(name)+1+randomKey {
				return string(key)
			}
		}
	}
}
