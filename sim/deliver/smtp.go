package deliver

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net/mail"
	"net/smtp"
	"strings"
	"time"
)

// unsourced: the subject and the text of the array's mails, who sends them
// where the target names no from_address, and that a server whose certificate
// nobody vouches for is refused. That tls means STARTTLS on the target's own
// port follows from its default, 25.

// sendMail sends one mail to all recipients of a notice, which is nothing to do
// for none.
func (n Network) sendMail(ctx context.Context, notice Notice) error {
	if len(notice.Recipients) == 0 {
		return nil
	}
	t := notice.Target
	conn, done, err := dial(ctx, "tcp", t)
	if err != nil {
		return err
	}
	defer done()
	c, err := smtp.NewClient(conn, t.Host)
	if err != nil {
		return err
	}
	if err := c.Hello(token(notice.Array, longestHost)); err != nil {
		return err
	}
	if err := n.secure(c, t); err != nil {
		return err
	}
	if err := c.Mail(sender(notice)); err != nil {
		return err
	}
	for _, to := range notice.Recipients {
		if err := c.Rcpt(to); err != nil {
			return fmt.Errorf("recipient %s: %w", to, err)
		}
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(Mail(notice)); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return err
	}
	return c.Quit()
}

// secure does what the target says about encryption and the user. A password
// goes over an encrypted connection alone, or to this host.
func (n Network) secure(c *smtp.Client, t Target) error {
	if t.TLS {
		if ok, _ := c.Extension("STARTTLS"); !ok {
			return errors.New("the mail server offers no STARTTLS")
		}
		if err := c.StartTLS(&tls.Config{ServerName: t.Host, RootCAs: n.Roots, MinVersion: tls.VersionTLS12}); err != nil {
			return err
		}
	}
	if t.Username == "" {
		return nil
	}
	ok, ways := c.Extension("AUTH")
	if !ok {
		return errors.New("the mail server takes no user")
	}
	if strings.Contains(ways, "CRAM-MD5") && !strings.Contains(ways, "PLAIN") {
		return c.Auth(smtp.CRAMMD5Auth(t.Username, t.Password))
	}
	return c.Auth(smtp.PlainAuth("", t.Username, t.Password, t.Host))
}

// sender is who a mail is from.
func sender(n Notice) string {
	if n.Target.From != "" {
		return n.Target.From
	}
	return "infinibox@" + token(n.Array, longestHost)
}

// Mail is a notice as a mail: header and text, lines ended by CR LF.
func Mail(n Notice) []byte {
	e := n.Event
	at := time.Unix(0, int64(e.At)).UTC()
	to := make([]string, len(n.Recipients))
	for i, r := range n.Recipients {
		to[i] = (&mail.Address{Address: r}).String()
	}
	var b bytes.Buffer
	for _, h := range []Datum{
		{"From", (&mail.Address{Name: n.Array, Address: sender(n)}).String()},
		{"To", strings.Join(to, ", ")},
		{"Subject", mime.QEncoding.Encode("utf-8", fmt.Sprintf("%s: %s %s", n.Array, e.Level, e.Code))},
		{"Date", at.Format(time.RFC1123Z)},
		{"Message-ID", fmt.Sprintf("<event-%d.%d@%s>", e.ID, n.Serial, token(n.Array, longestHost))},
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	b.WriteString("\r\n")
	w := quotedprintable.NewWriter(&b)
	lines := []Datum{
		{"System", fmt.Sprintf("%s (serial %d)", n.Array, n.Serial)},
		{"Time", at.Format("2006-01-02T15:04:05.000Z")},
		{"Event", fmt.Sprint(e.ID)},
		{"Code", e.Code},
		{"Level", e.Level},
		{"Reporter", e.Reporter},
		{"User", e.Username},
		{"Affected entity", e.Entity},
		{"Rule", n.Rule},
	}
	_, _ = fmt.Fprintf(w, "%s\r\n\r\n", e.Description) // a buffer takes everything
	for _, l := range lines {
		if l.Value != "" {
			_, _ = fmt.Fprintf(w, "%s: %s\r\n", l.Name, l.Value)
		}
	}
	_ = w.Close()
	return b.Bytes()
}
