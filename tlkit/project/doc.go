// Package project writes a Go module around a trained model: a command that serves, classifies files and folders, with
// the model inside, and what is needed to run it elsewhere (a container image, a systemd unit, a Kubernetes
// deployment), a test with images of the notebook, and a model card.
//
// The module's files are templates in the folder files, of the same names with .tmpl; a name element "name" becomes the
// project's name, and "dot-" a leading dot.
package project
