package deliver

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// Syslog messages have the form of RFC 5424; over TCP each goes with its
// length before it (RFC 6587, 3.4.1).
//
// unsourced: the form of the array's syslog messages, and how they are framed
// over TCP; that each message has a connection of its own.

// example is the enterprise number that RFC 5612 sets aside for documentation.
const example = 32473

// The lengths that RFC 5424 allows.
const (
	longestHost  = 255
	longestMsgID = 32
)

// facilities are the codes of RFC 5424, table 1.
func facilities() []string {
	return []string{
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv", "ftp", "ntp", "audit", "alert", "clock",
		"local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
	}
}

// FacilityCode is the code of a facility's name, in any case; false for a name
// that is none.
func FacilityCode(name string) (int, bool) {
	for code, known := range facilities() {
		if strings.EqualFold(name, known) {
			return code, true
		}
	}
	return 0, false
}

// severity is an event's level as RFC 5424, table 2 has it.
func severity(level string) int {
	switch level {
	case "CRITICAL":
		return 2
	case "ERROR":
		return 3
	case "WARNING":
		return 4
	}
	return 6
}

// usualFacility is that of a target that names none.
//
// unsourced: which one; it is the Ansible collection's default.
const usualFacility = "local7"

// SyslogText is a notice as a syslog message, without a frame.
func SyslogText(n Notice) string {
	facility, ok := FacilityCode(n.Target.Facility)
	if !ok {
		facility, _ = FacilityCode(usualFacility)
	}
	e := n.Event
	at := time.Unix(0, int64(e.At)).UTC().Format("2006-01-02T15:04:05.000Z")
	var b strings.Builder
	fmt.Fprintf(&b, "<%d>1 %s %s infinibox - %s ", facility*8+severity(e.Level), at, token(n.Array, longestHost), token(e.Code, longestMsgID))
	fmt.Fprintf(&b, "[event@%d", example)
	for _, p := range []Datum{
		{"id", fmt.Sprint(e.ID)},
		{"code", e.Code},
		{"level", e.Level},
		{"reporter", e.Reporter},
		{"visibility", e.Visibility},
		{"username", e.Username},
		{"affected_entity_id", e.Entity},
		{"serial", fmt.Sprint(n.Serial)},
	} {
		if p.Value != "" {
			fmt.Fprintf(&b, ` %s="%s"`, p.Name, sdValue(p.Value))
		}
	}
	b.WriteString("] \ufeff" + strings.ToValidUTF8(e.Description, "?"))
	return b.String()
}

// token is a name as a field of the header: printable ASCII without blanks.
func token(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '-'
		}
		return r
	}, s)
	if s == "" {
		return "-"
	}
	return s[:min(len(s), most)]
}

// sdValue escapes a parameter of structured data.
func sdValue(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, `]`, `\]`).Replace(strings.ToValidUTF8(s, "?"))
}

func sendSyslog(ctx context.Context, n Notice) error {
	text, network := SyslogText(n), "udp"
	if strings.EqualFold(n.Target.Transport, "tcp") {
		text, network = fmt.Sprintf("%d %s", len(text), text), "tcp"
	}
	conn, done, err := dial(ctx, network, n.Target)
	if err != nil {
		return err
	}
	defer done()
	_, err = conn.Write([]byte(text))
	return err
}
