// Package huggingface downloads files of model repositories by the protocol of the Hugging Face hub, and stores them
// where Python's huggingface_hub does, so that both share one copy.
//
// Why not github.com/gomlx/go-huggingface (v0.4.8): its downloader starts over after every lost connection, reads
// neither HF_HOME, HF_TOKEN nor HF_HUB_OFFLINE, does not retry, keeps the token on redirects, and compares no hash.
// Instead, [github.com/tlkit-go/tlkit-notebooks/internal/fetch] does the transfer, and this package the rest of the
// protocol.
package huggingface
