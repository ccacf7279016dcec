// Package hub gets files of model repositories in the manner of the Hugging Face hub, and keeps them where Python's
// huggingface_hub does, so that both share one copy.
//
// Why not github.com/gomlx/go-huggingface (v0.4.8): its downloader starts over after every break, knows neither
// HF_HOME, HF_TOKEN nor HF_HUB_OFFLINE, does not retry, keeps the token on redirects, and compares no hash. The
// transfer is [github.com/tlkit-go/tlkit-notebooks/internal/fetch]'s instead; what is left of the protocol is this
// file.
package hub
