package model

import (
	"net/http"

	"infinisim/sim/apierr"
	"infinisim/sim/schema"
)

// spaceReset holds the tokens of users who forgot their passwords: token ->
// name.
const spaceReset = "user.reset"

// firstPassword is that of the built-in users of a new array (InfiniSDK
// 289.1.4, documentation).
const firstPassword = "123456"

// resetRoutes are the two steps of a user who forgot the password: the first
// sends a link with a token, the second follows it (InfiniSDK 289.1.4). No
// session is needed for either.
//
// unsourced: that the second step gives the user the first password of a new
// array. No mail is sent: the token stands in an event that the vendor sees.
func resetRoutes() []Route {
	return []Route{
		{Method: http.MethodPost, Path: "users/{name}/reset_password", Anonymous: true, Do: askReset},
		{Method: http.MethodGet, Path: "users/{name}/reset_password/{token}", Anonymous: true, Do: doReset},
	}
}

func (b *Box) userNamed(name string) (*schema.Object, error) {
	ids := b.Tx.IDsBy(b.Key, User, UserName.Field(), schema.TextValue(name))
	if len(ids) == 0 {
		return nil, apierr.New(apierr.UserNotFound, "User not found: user %q does not exist", name).About(name)
	}
	return b.Must(User, ids[0])
}

func askReset(b *Box, _ *schema.Object, in *Input) (any, error) {
	o, err := b.userNamed(in.Vars["name"])
	if err != nil {
		return nil, err
	}
	token := b.UUID()
	b.Tx.KV(b.Key, spaceReset).Put([]byte(token), []byte(UserName.Get(o)))
	return true, b.Emit(Event{
		Code: "USER_PASSWORD_RESET_REQUESTED", Entity: o.ID(), Visibility: "INFINIDAT", Template: "user {name} asked for a new password",
		Data: []Datum{{Name: "name", Type: "String", Value: UserName.Get(o)}, {Name: "token", Type: "String", Value: token}},
	})
}

func doReset(b *Box, _ *schema.Object, in *Input) (any, error) {
	o, err := b.userNamed(in.Vars["name"])
	if err != nil {
		return nil, err
	}
	kv, token := b.Tx.KV(b.Key, spaceReset), []byte(in.Vars["token"])
	if string(kv.Get(token)) != UserName.Get(o) {
		return nil, apierr.New(apierr.ResetTokenUnknown, "token: it was not given to user %s", UserName.Get(o)).About("token")
	}
	kv.Delete(token)
	if err := b.setPassword(o, firstPassword); err != nil {
		return nil, err
	}
	if err := b.Save(o); err != nil {
		return nil, err
	}
	return true, b.Emit(Event{
		Code: "USER_PASSWORD_RESET", Entity: o.ID(), Template: "the password of user {name} was reset",
		Data: []Datum{{Name: "name", Type: "String", Value: UserName.Get(o)}},
	})
}
