package google

import (
	"bufio"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// minJava is the oldest feature release the emulators and the flags work with.
const minJava = 17

// tooOld reports whether the release file beside a java says that it is older
// than minJava. Asking java itself would cost a tenth of a second; a java
// without a release file gets the benefit of the doubt.
func tooOld(java string) bool {
	f, err := os.Open(filepath.Join(filepath.Dir(filepath.Dir(java)), "release"))
	if err != nil {
		return false
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if version, ok := strings.CutPrefix(s.Text(), "JAVA_VERSION="); ok {
			feature, _, _ := strings.Cut(strings.Trim(version, `"`), ".")
			n, err := strconv.Atoi(feature) // "1" for 1.8 and older
			return err == nil && n < minJava
		}
	}
	return false
}
