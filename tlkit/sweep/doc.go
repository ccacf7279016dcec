// Package sweep trains many combinations as one value: models x recipes x strategies x seeds, on one data set.
//
//	s := sweep.Sweep{Name: "ants", Data: data, Models: models, Strategies: strategies, Seeds: 3}
//	results, err := s.Run(ctx, sweep.Local{})                                     // processes of this machine
//	results, err = s.Run(ctx, sweep.Slurm{})                                      // an array job of a cluster
//	results, err = s.Run(ctx, sweep.Kubernetes{Image: image, Claim: "claim-ada"}) // an Indexed Job
//
// Every combination is a task: a run of one strategy with one seed, in a folder of its own, trained by a process of its
// own (package detached). An executor starts these processes where it can; the results are read from the
// folders. So the results are the same whichever executor ran, tasks that ended early are started again and go on from
// their checkpoints, and the same call later trains only what is missing.
package sweep
