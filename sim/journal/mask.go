package journal

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// secretWords end the names of members and parameters whose values are
// secrets.
func secretWords() []string {
	return []string{"password", "secret", "secret_key", "private_key", "community", "passphrase", "token"}
}

func secretName(name string) bool {
	return slices.ContainsFunc(secretWords(), func(word string) bool { return strings.HasSuffix(strings.ToLower(name), word) })
}

// mayNameSecret reports whether a query may have a parameter of a secret's name:
// its letters are there, or some are escaped.
func mayNameSecret(query string) bool {
	for name := range strings.SplitSeq(query, "&") {
		if name, _, _ = strings.Cut(name, "="); strings.ContainsRune(name, '%') || secretName(name) {
			return true
		}
	}
	return false
}

// secretHeader reports whether a header is replaced as a whole.
func secretHeader(name string) bool {
	return slices.Contains([]string{"Authorization", "X-Remote-Authorization", "Cookie", "Set-Cookie"}, name)
}

// secretMember is a JSON member whose value is a secret, for bodies that are no
// JSON.
var secretMember = regexp.MustCompile(`"([A-Za-z_]*(?:password|secret|secret_key|private_key|community|passphrase|token))"\s*:\s*"((?:[^"\\]|\\.)*)"`)

// secretBlock is a private key as files hold one, with line ends that JSON
// escapes or with bare ones.
var secretBlock = regexp.MustCompile(`(?s)-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END [A-Z ]*PRIVATE KEY-----`)

// secretDatum is a datum of an event whose name is that of a secret.
var secretDatum = regexp.MustCompile(`("name":"(?:password|secret|token)","type":"[^"]*","value":)"([^"]+)"`)

// pathSecret is what stands in a path in the place of a variable {token}.
func pathSecret(e *Entry) (string, bool) {
	at := strings.Index(e.Route, "{token}")
	if at < 0 {
		return "", false
	}
	parts := strings.Split(strings.TrimPrefix(e.Path, root), "/")
	part := strings.Count(e.Route[:at], "/")
	if part >= len(parts) {
		return "", false
	}
	return parts[part], true
}

// hideLocked replaces the secrets of a request: those of its body wherever its
// answer repeats them, too.
func (j *Journal) hideLocked(e *Entry) {
	var found []string
	e.Body = j.maskLocked(e.Body, &found)
	if !e.Plain {
		e.Answer = j.maskLocked(e.Answer, &found)
	}
	e.Query = j.maskQueryLocked(e.Query, &found)
	if secret, ok := pathSecret(e); ok {
		e.Path = strings.Replace(e.Path, "/"+secret, "/"+j.nameLocked(secret), 1)
		found = append(found, secret)
	}
	if len(e.Headers) > 0 {
		e.Headers = maps.Clone(e.Headers)
	}
	for _, name := range slices.Sorted(maps.Keys(e.Headers)) {
		value := e.Headers[name]
		if !secretHeader(name) {
			continue
		}
		e.Headers[name] = j.nameLocked(value)
		if _, password, ok := basic(value); ok {
			found = append(found, password)
		}
	}
	for _, secret := range found {
		e.Path = j.replaceLocked(e.Path, secret, secret)
		e.Answer = j.replaceLocked(e.Answer, secret, secret)
		if raw, err := json.Marshal(secret); err == nil { // as a message repeats it
			e.Answer = j.replaceLocked(e.Answer, string(raw[1:len(raw)-1]), secret)
		}
	}
}

// basic reads the credentials of a header.
func basic(header string) (user, password string, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(header, "Basic "))
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(raw), ":")
}

// replaceLocked names a secret where a text holds a form of it as a word; a
// secret of less than four characters would be found in anything.
func (j *Journal) replaceLocked(text, form, secret string) string {
	if len(secret) < shortestFound || !strings.Contains(text, form) {
		return text
	}
	var out strings.Builder
	for {
		before, after, ok := strings.Cut(text, form)
		out.WriteString(before)
		if !ok {
			return out.String()
		}
		if part(before, len(before)-1) || part(after, 0) {
			out.WriteString(form)
		} else {
			out.WriteString(j.nameLocked(secret))
		}
		text = after
	}
}

const shortestFound = 4

// part reports whether a text has a letter or a digit at a place.
func part(text string, at int) bool {
	if at < 0 || at >= len(text) {
		return false
	}
	c := text[at]
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

// maskLocked replaces the secrets of a body or an answer.
func (j *Journal) maskLocked(text string, found *[]string) string {
	if strings.Contains(text, privateKey) {
		text = secretBlock.ReplaceAllStringFunc(text, j.nameLocked)
	}
	if !NamesSecret(text) {
		return text
	}
	text = secretDatum.ReplaceAllStringFunc(text, func(m string) string {
		parts := secretDatum.FindStringSubmatch(m)
		*found = append(*found, parts[2])
		return parts[1] + strconv.Quote(j.nameLocked(parts[2]))
	})
	if json.Valid([]byte(text)) {
		return j.maskJSONLocked(text, found)
	}
	return secretMember.ReplaceAllStringFunc(text, func(m string) string {
		parts := secretMember.FindStringSubmatch(m)
		*found = append(*found, parts[2])
		return fmt.Sprintf("%q:%q", parts[1], j.nameLocked(parts[2]))
	})
}

// NamesSecret reports whether a text may hold a private key or a member with a
// secret's name: something in quotes ends so, or is escaped. Most texts are long
// and have none, so it looks at each quote once.
func NamesSecret(text string) bool {
	if strings.Contains(text, `\u`) || strings.Contains(text, privateKey) {
		return true
	}
	words := secretWords()
	for done := 0; ; {
		i := strings.IndexByte(text[done:], '"')
		if i < 0 {
			return false
		}
		done += i + 1
		name := text[:done-1]
		if name == "" || !mayEndWord[name[len(name)-1]] {
			continue
		}
		for _, word := range words {
			if n := len(name) - len(word); n >= 0 && strings.EqualFold(name[n:], word) {
				return true
			}
		}
	}
}

// privateKey ends the first line of a private key.
const privateKey = "PRIVATE KEY-----"

// mayEndWord has the last letters of the secret words.
var mayEndWord = func() (last [256]bool) {
	for _, word := range secretWords() {
		c := word[len(word)-1]
		last[c], last[c-'a'+'A'] = true, true
	}
	return last
}()

// maskJSONLocked replaces the values of secret members, however their names are
// escaped, and leaves every other byte as it is.
func (j *Journal) maskJSONLocked(text string, found *[]string) string {
	var out strings.Builder
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var isKey []bool // of each object or array around: whether a key comes next
	done := 0
	for {
		tok, err := d.Token()
		if err != nil { // the end: the text is valid
			out.WriteString(text[done:])
			return out.String()
		}
		top := len(isKey) - 1
		switch key, isText := tok.(string); {
		case tok == json.Delim('{') || tok == json.Delim('['):
			isKey = append(isKey, tok == json.Delim('{'))
			continue
		case tok == json.Delim('}') || tok == json.Delim(']'):
			isKey = isKey[:top]
			continue
		case !isText || top < 0 || !isKey[top] || !secretName(key) || !afterKey(d, text):
			continue
		}
		var raw json.RawMessage
		if err := d.Decode(&raw); err != nil {
			continue // cannot be: the text is valid
		}
		end := int(d.InputOffset())
		if value, ok := secretOf(raw); ok {
			*found = append(*found, value)
			out.WriteString(text[done : end-len(raw)])
			fmt.Fprintf(&out, "%q", j.nameLocked(value))
			done = end
		}
	}
}

// afterKey reports whether what was read last is a member's name: a colon
// follows it.
func afterKey(d *json.Decoder, text string) bool {
	return strings.HasPrefix(strings.TrimLeft(text[d.InputOffset():], " \t\r\n"), ":")
}

// secretOf is the text of a secret; null, true and false are none.
func secretOf(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) == nil && string(raw) != "null" {
		return text, text != ""
	}
	return string(raw), !slices.Contains([]string{"null", "true", "false"}, string(raw))
}

func (j *Journal) maskQueryLocked(query string, found *[]string) string {
	if !strings.Contains(query, "=") || !mayNameSecret(query) {
		return query
	}
	all, err := url.ParseQuery(query)
	if err != nil {
		return query
	}
	hidden := false
	for _, name := range slices.Sorted(maps.Keys(all)) {
		for i, value := range all[name] {
			if secretName(name) && value != "" {
				*found = append(*found, value)
				all[name][i], hidden = j.nameLocked(value), true
			}
		}
	}
	if !hidden {
		return query
	}
	return all.Encode()
}

func (j *Journal) nameLocked(secret string) string {
	return fmt.Sprintf("«secret:%d»", j.secretNumber(secret))
}
