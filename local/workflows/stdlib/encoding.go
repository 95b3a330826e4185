package stdlib

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"hash"
	"strings"

	"orderflow.dev/local/workflows/expr"
)

func init() {
	typed("base64.encode", With(Params("data"), "padding", true), func(r *reader) (any, error) {
		return alphabet(r.boolean(1)).EncodeToString(r.bytes(0)), nil
	})
	typed("base64.decode", With(Params("data"), "padding", true), base64Decode)
	typed("hash.compute_checksum", Params("data", "algorithm"), func(r *reader) (any, error) {
		data := r.bytes(0)
		return digest(r.str(1), func(h func() hash.Hash) hash.Hash { return h() }, data)
	})
	typed("hash.compute_hmac", Params("key", "data", "algorithm"), func(r *reader) (any, error) {
		key, data := r.bytes(0), r.bytes(1)
		return digest(r.str(2), func(h func() hash.Hash) hash.Hash { return hmac.New(h, key) }, data)
	})
	register("json.decode", Params("data"), jsonDecode)
	register("json.encode", With(Params("data"), "indent", false), func(a []any) (any, error) {
		b, err := encodeJSON(a)
		return expr.Bytes(b), err
	})
	register("json.encode_to_string", With(Params("data"), "indent", false), func(a []any) (any, error) {
		b, err := encodeJSON(a)
		return string(b), err
	})
}

// alphabet gives the standard alphabet of base64, padded or not.
func alphabet(padding bool) *base64.Encoding {
	if padding {
		return base64.StdEncoding
	}
	return base64.RawStdEncoding
}

func base64Decode(r *reader) (any, error) {
	data := r.str(0)
	b, err := alphabet(r.boolean(1)).DecodeString(data)
	if err != nil {
		return nil, valueError("base64.decode: %v", err)
	}
	return expr.Bytes(b), nil
}

// algorithms by upper-case name without dashes.
var algorithms = map[string]func() hash.Hash{
	"MD5": md5.New, "SHA1": sha1.New, "SHA224": sha256.New224, "SHA256": sha256.New,
	"SHA384": sha512.New384, "SHA512": sha512.New,
}

func digest(name string, wrap func(func() hash.Hash) hash.Hash, data []byte) (any, error) {
	h, ok := algorithms[strings.ToUpper(strings.ReplaceAll(name, "-", ""))]
	if !ok {
		return nil, valueError("unknown hash algorithm %q, known are MD5, SHA1, SHA224, SHA256, SHA384 and SHA512", name)
	}
	w := wrap(h)
	w.Write(data)
	return expr.Bytes(w.Sum(nil)), nil
}

func jsonDecode(a []any) (any, error) {
	var data []byte
	switch x := a[0].(type) {
	case expr.Bytes:
		data = x
	case string:
		data = []byte(x)
	default:
		return nil, unsupported("json.decode", a[0], "bytes or string")
	}
	v, err := expr.DecodeJSON(data)
	if err != nil {
		return nil, valueError("json.decode: %v", err)
	}
	return v, nil
}

// encodeJSON writes compact JSON, or indented if asked: true means four
// spaces, a map gives prefix and indent (reference: json.encode).
func encodeJSON(a []any) ([]byte, error) {
	compact, err := expr.EncodeJSON(a[0])
	if err != nil {
		return nil, err
	}
	prefix, indent := "", "    "
	switch x := a[1].(type) {
	case bool:
		if !x {
			return compact, nil
		}
	case map[string]any:
		for name, to := range map[string]*string{"prefix": &prefix, "indent": &indent} {
			if v, given := x[name]; given {
				var ok bool
				if *to, ok = v.(string); !ok {
					return nil, unsupported("json.encode", v, "string as "+name)
				}
			}
		}
	default:
		return nil, unsupported("json.encode", x, "boolean or map as indent")
	}
	if indentedSize(compact, len(prefix), len(indent)) > maxResult {
		return nil, tooLarge("json.encode")
	}
	var b bytes.Buffer
	err = json.Indent(&b, compact, prefix, indent)
	return b.Bytes(), err
}

// indentedSize is at least the size of compact JSON once it is indented: every
// bracket and comma outside of strings is counted as a line.
func indentedSize(compact []byte, prefix, indent int) int {
	size, depth, quoted := len(compact), 0, false
	for i := 0; i < len(compact); i++ {
		switch c := compact[i]; {
		case c == '\\':
			i++
			continue
		case c == '"':
			quoted = !quoted
			continue
		case quoted:
			continue
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			depth--
		case c != ',':
			continue
		}
		size += 1 + prefix + depth*indent
	}
	return size
}
