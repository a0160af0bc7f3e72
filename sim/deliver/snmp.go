package deliver

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/gosnmp/gosnmp"
)

// Traps are notifications of SNMPv2 (RFC 3416), whatever the version of the
// protocol: the time since start, the identity of the trap, and one string for
// each part of the event.
//
// unsourced: the array's MIB. The identities are under the enterprise number
// that RFC 5612 sets aside for documentation.
const (
	trapBase = ".1.3.6.1.4.1.32473.1"
	// TrapID is the identity of every trap.
	TrapID = trapBase + ".0.1"
	// TrapValues is above the parts of an event, numbered from 1: id, code,
	// level, description, time, reporter, user, affected entity, the array's
	// name and serial number.
	TrapValues = trapBase + ".1"

	sysUpTime = ".1.3.6.1.2.1.1.3.0"
	trapOID   = ".1.3.6.1.6.3.1.1.4.1.0"
)

// usualCommunity is that of a target that names none.
//
// unsourced: which one.
const usualCommunity = "public"

// EngineID reads an engine's id, such as 0x8000000001: 5 to 32 bytes (RFC
// 3411, SnmpEngineID).
func EngineID(text string) ([]byte, error) {
	digits := strings.TrimPrefix(strings.TrimPrefix(text, "0x"), "0X")
	id, err := hex.DecodeString(digits)
	if err != nil || len(id) < 5 || len(id) > 32 {
		return nil, fmt.Errorf("%q is no engine of 5 to 32 bytes in hexadecimal digits", text)
	}
	return id, nil
}

// AuthTypes are the words for how much the traps of an SNMPv3 target are
// protected.
//
// unsourced: they, the protocols and their words, but for AuthPriv, MD5 and
// AES, which InfiniSDK's documentation shows.
func AuthTypes() []string { return []string{"NoAuth", "NoAuthNoPriv", "AuthNoPriv", "AuthPriv"} }

// AuthProtocols are the ways to prove who sends a trap.
func AuthProtocols() []string {
	return []string{"MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"}
}

// PrivateProtocols are the ways to encrypt a trap.
func PrivateProtocols() []string { return []string{"DES", "AES", "AES192", "AES256"} }

func authProtocol(word string) gosnmp.SnmpV3AuthProtocol {
	return map[string]gosnmp.SnmpV3AuthProtocol{
		"MD5": gosnmp.MD5, "SHA": gosnmp.SHA, "SHA224": gosnmp.SHA224, "SHA256": gosnmp.SHA256, "SHA384": gosnmp.SHA384, "SHA512": gosnmp.SHA512,
	}[strings.ToUpper(word)]
}

func privateProtocol(word string) gosnmp.SnmpV3PrivProtocol {
	return map[string]gosnmp.SnmpV3PrivProtocol{
		"DES": gosnmp.DES, "AES": gosnmp.AES, "AES192": gosnmp.AES192, "AES256": gosnmp.AES256,
	}[strings.ToUpper(word)]
}

func sendTrap(ctx context.Context, n Notice, timeout time.Duration) error {
	t := n.Target
	x := &gosnmp.GoSNMP{
		Target: t.Host, Port: uint16(t.Port), //nolint:gosec // a port was checked when it was set
		Transport: "udp", Context: ctx, Timeout: timeout, MaxOids: gosnmp.MaxOids,
		Version: gosnmp.Version2c, Community: t.Community,
	}
	if t.Community == "" {
		x.Community = usualCommunity
	}
	if strings.EqualFold(t.Version, "SNMPv3") {
		if err := protect(x, n); err != nil {
			return err
		}
	}
	if err := x.Connect(); err != nil {
		return err
	}
	defer x.Conn.Close() //nolint:errcheck // a datagram is sent or not
	_, err := x.SendTrap(gosnmp.SnmpTrap{Variables: trapValues(n)})
	return err
}

// protect has a trap sent as SNMPv3, by the user and with the keys of the
// target. The one who sends a trap is the authority on its time (RFC 3414,
// 1.5.1).
func protect(x *gosnmp.GoSNMP, n Notice) error {
	t := n.Target
	engine, err := EngineID(t.Engine)
	if err != nil {
		return err
	}
	x.Version, x.SecurityModel, x.MsgFlags = gosnmp.Version3, gosnmp.UserSecurityModel, gosnmp.NoAuthNoPriv
	user := &gosnmp.UsmSecurityParameters{
		UserName: t.Username, AuthoritativeEngineID: string(engine), AuthoritativeEngineBoots: 1,
		AuthoritativeEngineTime: uint32(n.Event.At / 1_000_000_000 & 0x7fffffff), //nolint:gosec // 31 bits
		AuthenticationProtocol:  gosnmp.NoAuth, PrivacyProtocol: gosnmp.NoPriv,
	}
	kind := strings.ToUpper(t.AuthType)
	if kind == "AUTHNOPRIV" || kind == "AUTHPRIV" {
		x.MsgFlags = gosnmp.AuthNoPriv
		user.AuthenticationProtocol, user.AuthenticationPassphrase = authProtocol(t.AuthProtocol), t.Password
	}
	if kind == "AUTHPRIV" {
		x.MsgFlags = gosnmp.AuthPriv
		user.PrivacyProtocol, user.PrivacyPassphrase = privateProtocol(t.PrivateProtocol), t.PrivateKey
	}
	x.SecurityParameters = user
	return nil
}

// trapValues are the variables of a trap.
func trapValues(n Notice) []gosnmp.SnmpPDU {
	e := n.Event
	out := []gosnmp.SnmpPDU{
		{Name: sysUpTime, Type: gosnmp.TimeTicks, Value: uint32(e.At / 10_000_000 & 0xffffffff)}, //nolint:gosec // it wraps, as RFC 3418 says
		{Name: trapOID, Type: gosnmp.ObjectIdentifier, Value: TrapID},
	}
	for i, text := range []string{
		fmt.Sprint(e.ID), e.Code, e.Level, e.Description, time.Unix(0, int64(e.At)).UTC().Format("2006-01-02T15:04:05.000Z"),
		e.Reporter, e.Username, e.Entity, n.Array, fmt.Sprint(n.Serial),
	} {
		out = append(out, gosnmp.SnmpPDU{Name: fmt.Sprintf("%s.%d.0", TrapValues, i+1), Type: gosnmp.OctetString, Value: text})
	}
	return out
}
