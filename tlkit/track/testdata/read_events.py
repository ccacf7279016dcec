"""Prints what TensorBoard reads in a folder of event files: JSON {run: {tag: [[step, value], ...]}}."""

import json
import sys

from tensorboard.backend.event_processing.event_multiplexer import EventMultiplexer

m = EventMultiplexer().AddRunsFromDirectory(sys.argv[1])
m.Reload()
print(json.dumps({run: {tag: [[e.step, e.value] for e in m.Scalars(run, tag)] for tag in tags["scalars"]} for run, tags in m.Runs().items()}))
