package workflows

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"regexp"

	"orderflow.dev/local/workflows/expr"
)

// serviceName is the form of private_service_name, a service registered with
// Service Directory (reference: http.request).
var serviceName = regexp.MustCompile(`^projects/[^/]+/locations/[^/]+/namespaces/[^/]+/services/[^/]+$`)

// client is what sends the call. The service would find a private service in
// Service Directory; here the host of the URL leads to it. A certificate given
// is the only authority trusted.
func (c *httpCall) client() (*http.Client, error) {
	client := c.f.ex.engine.options.HTTP
	switch name := c.args["private_service_name"].(type) {
	case nil:
	case string:
		if !serviceName.MatchString(name) {
			return nil, expr.Errorf(expr.TagValue, "argument private_service_name of %s must be "+
				"projects/P/locations/L/namespaces/N/services/S, got %q", c.name, name)
		}
	default:
		return nil, c.typeError("private_service_name", "a string")
	}
	switch pem := c.args["ca_certificate"].(type) {
	case nil:
		return client, nil
	case string:
		return c.trusting(client, []byte(pem))
	default:
		return nil, c.typeError("ca_certificate", "a string")
	}
}

// trusting gives a client for one call that trusts the certificates in pem. It
// keeps no connection, since nothing would close it.
func (c *httpCall) trusting(client *http.Client, pem []byte) (*http.Client, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(pem) {
		return nil, expr.Errorf(expr.TagValue, "argument ca_certificate of %s is no certificate in PEM", c.name)
	}
	transport, ok := client.Transport.(*http.Transport)
	if ok {
		transport = transport.Clone()
	} else {
		transport = Transport()
	}
	if transport.TLSClientConfig == nil {
		transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	transport.TLSClientConfig.RootCAs = roots
	transport.DisableKeepAlives = true
	own := *client
	own.Transport = transport
	return &own, nil
}
