package catchup_test

import (
	"testing"

	"orderflow.dev/local/cloudtest"
)

func TestMain(m *testing.M) { cloudtest.Main(m, cloudtest.Storage) }
