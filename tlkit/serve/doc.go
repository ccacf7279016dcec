// Package serve answers requests for predictions with a trained model, in a program outside a notebook.
//
// A [Predictor] is safe for use from many goroutines: it decodes images in parallel, gathers those that wait into
// batches, and refuses what exceeds its queue. A [Handler] is the HTTP interface to it, with a web page, health checks
// and metrics. [ListenAndServe] runs a handler with the limits of a public server, and shuts it down gracefully.
//
//	model, err := zoo.LoadExported("ants.safetensors")
//	predictor, err := serve.New(model, serve.Options{})
//	handler := serve.NewHandler(predictor, serve.HandlerOptions{})
//	err = serve.ListenAndServe(ctx, ":8080", handler)
//
// # Untrusted requests
//
// Memory is bounded whatever clients send. The bytes of all requests in memory, the connections, the images in the
// queue, the pixels of an image, and the memory of all images being decoded and prepared are limited; the size of an
// image is read from its header before its pixels take memory. Reading a request has a deadline, so that a slow client
// holds little and not for long. A request is answered in time even if its image is still being decoded.
package serve
