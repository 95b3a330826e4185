package database

import (
	"regexp"
	"strings"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// https://firebase.google.com/docs/firestore/quotas#collections_documents_and_fields
const (
	longestID   = 1500    // bytes, of ids and field names alike
	longestName = 6 << 10 // bytes
	deepest     = 100     // collections within each other
)

var (
	projectID  = regexp.MustCompile(`^[a-z0-9][a-z0-9.:-]{0,99}$`)
	databaseID = regexp.MustCompile(`^(\(default\)|[a-z0-9][a-z0-9-]{0,62})$`)
	numericID  = regexp.MustCompile(`^__id[0-9]+__$`)
)

func malformed(format string, a ...any) error {
	return status.Errorf(codes.InvalidArgument, format, a...)
}

func checkDatabaseName(name string) error {
	s := strings.Split(name, "/")
	switch {
	case len(s) != 4 || s[0] != "projects" || s[2] != "databases":
		return malformed("Database name %q is not of the form projects/P/databases/D", name)
	case !projectID.MatchString(s[1]):
		return malformed("Database name %q: %q is no id of a project", name, s[1])
	case !databaseID.MatchString(s[3]):
		return malformed("Database name %q: %q is no id of a database", name, s[3])
	}
	return nil
}

// SplitName splits a document's name, projects/P/databases/D/documents/PATH, into the database's name and the path,
// which it checks. Its error is INVALID_ARGUMENT.
func SplitName(name string) (database, path string, err error) {
	database, path, err = SplitParent(name)
	if err == nil && path == "" {
		err = malformed("Document name %q names no document", name)
	}
	return database, path, err
}

// SplitParent is SplitName, but it may also be the database's root, projects/P/databases/D/documents, whose path is "".
func SplitParent(name string) (database, path string, err error) {
	s := strings.SplitN(name, "/", 6)
	if len(s) < 5 || s[4] != "documents" || len(name) > longestName {
		return "", "", malformed("Document name %.99q is not of the form projects/P/databases/D/documents/... "+
			"or longer than %d bytes", name, longestName)
	}
	database = strings.Join(s[:4], "/")
	if err := checkDatabaseName(database); err != nil {
		return "", "", err
	}
	if len(s) == 5 {
		return database, "", nil
	}
	if err := checkPath(s[5]); err != nil {
		return "", "", malformed("Document name %q: %s", name, status.Convert(err).Message())
	}
	return database, s[5], nil
}

func checkPath(path string) error {
	ids := strings.Split(path, "/")
	switch {
	case len(ids)%2 != 0:
		return malformed("it names a collection, or a document without its id")
	case len(ids) > 2*deepest:
		return malformed("it cannot exceed %d collections within each other", deepest)
	}
	for i := 0; i < len(ids); i += 2 {
		if err := CheckCollectionID(ids[i]); err != nil {
			return err
		}
		if err := checkDocumentID(ids[i+1]); err != nil {
			return err
		}
	}
	return nil
}

// CheckCollectionID checks the id of a collection. Its error is INVALID_ARGUMENT.
func CheckCollectionID(id string) error { return checkID("Collection", id) }

func checkDocumentID(id string) error {
	if numericID.MatchString(id) {
		return nil // it came from Datastore
	}
	return checkID("Document", id)
}

func checkID(of, id string) error {
	switch {
	case id == "":
		return malformed("%s id is empty", of)
	case id == "." || id == ".." || strings.Contains(id, "/"):
		return malformed(`%s id %q is invalid: it is ".", ".." or contains "/"`, of, id)
	case reserved(id):
		return malformed("%s id %q is invalid because it is reserved", of, id)
	case len(id) > longestID:
		return malformed("%s id %.32q... is longer than %d bytes", of, id, longestID)
	}
	return nil
}

// reserved says whether a name is Firestore's own: __.*__.
func reserved(name string) bool {
	return len(name) > 4 && strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__")
}
