package notification

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Files is a Sender that writes a file per message, as an RFC 5322 message.
type Files struct {
	Dir string
}

// Send implements Sender. The same message again replaces its file. Until it has its name, it is not sent.
func (f Files) Send(_ context.Context, m Message) error {
	text := fmt.Sprintf("Message-ID: <%s>\r\nFrom: Orderflow <orders@orderflow.dev>\r\nTo: customer %s <%s@customers.invalid>\r\nSubject: %s\r\n\r\n%s",
		m.ID, m.CustomerID, m.CustomerID, m.Subject, strings.ReplaceAll(m.Body, "\n", "\r\n"))
	if err := os.MkdirAll(f.Dir, 0o700); err != nil {
		return fmt.Errorf("make the folder for notifications: %w: %w", ErrNotSent, err)
	}
	path := filepath.Join(f.Dir, m.ID+".eml")
	if err := os.WriteFile(path+".tmp", []byte(text), 0o600); err != nil {
		return fmt.Errorf("write notification: %w: %w", ErrNotSent, err)
	}
	return os.Rename(path+".tmp", path)
}
