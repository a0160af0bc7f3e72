package api

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"slices"

	"infinisim/sim/apierr"
	"infinisim/sim/model"
)

// fileParts are the names of a form's part that holds a file: of InfiniSDK
// 289.1.4 (certificates.py, kms.py), and of the Ansible collection's module
// infini_certificate.
func fileParts() []string { return []string{"upload_file", "file"} }

// readForm takes the file out of a form; a request that is no form has none.
// It returns MALFORMED_REQUEST for a form that is broken and UNKNOWN_FIELD for
// a part of another name.
func (x *exchange) readForm() (isForm bool, err error) {
	kind, params, err := mime.ParseMediaType(x.r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return false, nil //nolint:nilerr // what is no form is read as JSON
	}
	x.in.Body = model.Body{}
	form := multipart.NewReader(bytes.NewReader(x.raw), params["boundary"])
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			return true, nil
		}
		if err != nil {
			return true, apierr.New(apierr.Malformed, "body: no form: %v", err)
		}
		if !slices.Contains(fileParts(), part.FormName()) {
			return true, apierr.New(apierr.UnknownField, "%s: unknown part of the form", part.FormName()).About(part.FormName())
		}
		if x.in.File, err = io.ReadAll(part); err != nil {
			return true, apierr.New(apierr.Malformed, "body: no form: %v", err)
		}
	}
}
