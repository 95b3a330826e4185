package main

import (
	"strings"
	"testing"

	"orderflow.dev/local/psp"
)

func needsAToken(t *testing.T, d desk) {
	missing := func(args ...string) error {
		_, _, err := orderflow(t.Context(), append(words("orders find --limit 1"), args...)...)
		return err
	}
	for name, c := range map[string]struct {
		args []string
		want []string
	}{
		"no token":          {[]string{"--gateway", d.Gateway}, []string{"--gateway and --token-file belong together"}},
		"no gateway":        {[]string{"--token-file", d.token}, []string{"--gateway and --token-file belong together"}},
		"no file":           {[]string{"--gateway", d.Gateway, "--token-file", "no-such.jwt"}, []string{"read the operator's token", "no-such.jwt"}},
		"an empty file":     {[]string{"--gateway", d.Gateway, "--token-file", file(t, "e.jwt", "\n")}, []string{"e.jwt", "is empty"}},
		"no operator":       {[]string{"--gateway", d.Gateway, "--token-file", d.tokenFile(t, "olga")}, []string{"403", "does not have the scope operator"}},
		"no token at all":   {[]string{"--gateway", d.Gateway, "--token-file", file(t, "x.jwt", "x.y.z")}, []string{"401", "the token is not valid", "x.jwt", "a new one"}},
		"two lines":         {[]string{"--gateway", d.Gateway, "--token-file", file(t, "two.jwt", "x\ny")}, []string{"two.jwt", "one token"}},
		"another's gateway": {[]string{"--gateway", d.Issuer, "--token-file", d.token}, []string{"find orders", "404", "is --gateway"}},
		"nobody there":      {[]string{"--gateway", "http://127.0.0.1:1", "--token-file", d.token}, []string{"find orders", "connection refused", "is --gateway"}},
		"no URL":            {[]string{"--gateway", "gw.example", "--token-file", d.token}, []string{"--gateway", "https://"}},
	} {
		err := missing(c.args...)
		if err == nil {
			t.Errorf("%s: no error", name)
			continue
		}
		for _, p := range c.want {
			if !strings.Contains(err.Error(), p) {
				t.Errorf("%s: there is no %q in: %v", name, p, err)
			}
		}
	}
}

// asPeopleRunThem runs commands in processes of their own: what they print where, and with which code they end.
func asPeopleRunThem(t *testing.T, d desk) {
	id := d.ordered(t, "paul", psp.MethodApprove, isConfirmed)
	if out, errOut, code := d.run(t, "orders", "refund", id, "--amount", "1", "--reason", "dented", "--as", "ann"); code != 0 || errOut != "" || !strings.Contains(out, "refund of GBP 1.00") {
		t.Errorf("code %d, %s%s", code, out, errOut)
	}
	if out, errOut, code := d.run(t, "orders", "show", id); code != 0 || errOut != "" || !strings.Contains(out, "by ann: dented") {
		t.Errorf("code %d, %s%s", code, out, errOut)
	}
	out, errOut, code := d.run(t, "orders", "cancel", id, "--reason", "r")
	if code != 1 || out != "" || !strings.HasPrefix(errOut, "orderflow: cancel order "+id) || strings.Count(errOut, "\n") != 1 {
		t.Errorf("code %d, printed %q, and as error %q", code, out, errOut)
	}
	if out, errOut, code := d.run(t, "stock", "show", "mug-blue"); code != 0 || errOut != "" || !strings.Contains(out, "held for orders") {
		t.Errorf("code %d, %s%s", code, out, errOut)
	}
	if out, errOut, code := d.run(t, "replay", "list"); code != 0 || errOut != "" || out != "nothing was replayed\n" {
		t.Errorf("code %d, %s%s", code, out, errOut)
	}
	nowhere := &running{cache: t.TempDir()}
	for _, args := range []string{"orders find", "orders show ID", "stock show ID", "check", "replay list", "dead-letters list", "orders cancel ID --reason r"} {
		if out, errOut, code := nowhere.run(t, words(args)...); code != 1 || out != "" || !strings.Contains(errOut, "start one with `orderflow up`; or name a") {
			t.Errorf("%s without a stack: code %d, %s%s", args, code, out, errOut)
		}
	}
}
