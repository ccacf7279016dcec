package detached

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
)

// sealBegin and sealEnd are around the checksum of a sealed file: its SHA-256 without this line.
const (
	sealBegin = "{\n \"Checksum\": \""
	sealEnd   = "\",\n"
)

// seal returns the JSON of a struct with a checksum in its first line.
func seal(v any) ([]byte, error) {
	text, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return nil, err
	}
	text = append(text, '\n')
	sum := sha256.Sum256(text)
	return append([]byte(sealBegin+hex.EncodeToString(sum[:])+sealEnd), bytes.TrimPrefix(text, []byte("{\n"))...), nil
}

// unseal reads what seal has written. A text without a checksum is an older version's, and is taken as it is.
func unseal(text []byte, v any) error {
	if rest, ok := bytes.CutPrefix(text, []byte(sealBegin)); ok {
		sum, body, _ := bytes.Cut(rest, []byte(sealEnd))
		text = append([]byte("{\n"), body...)
		if have := sha256.Sum256(text); hex.EncodeToString(have[:]) != string(sum) {
			return errors.New("it is damaged: its checksum is another one")
		}
	}
	return json.Unmarshal(text, v)
}
