"""`python -m training tpu plan|check`: the exact commands for training on a Cloud TPU, and a check of what is here.

`plan` prints the commands from creating the machine to deleting it, for a name, zone, type and bucket, after checking
that the four fit together; nothing is run. `check` says in one sentence whether this machine has a usable TPU.

Example:
  python -m training tpu plan --name robot --zone us-central1-a --type v5litepod-8 --bucket gs://my-bucket/robot

"""
import argparse
import re

from robot_ai.errors import ConfigurationError

# type -> (runtime image, chips, USD an hour on demand). Public list prices of 2025 in the USA, as a guide only:
# https://cloud.google.com/tpu/pricing has today's.
TYPES = {
    'v2-8': ('tpu-ubuntu2204-base', 4, 4.50),
    'v3-8': ('tpu-ubuntu2204-base', 4, 8.80),
    'v5litepod-1': ('v2-alpha-tpuv5-lite', 1, 1.20),
    'v5litepod-4': ('v2-alpha-tpuv5-lite', 4, 4.80),
    'v5litepod-8': ('v2-alpha-tpuv5-lite', 8, 9.60),
}
PLAN = '''\
# 1. Create the machine ({chips} chips, about {price:.2f} USD an hour until it is deleted)
gcloud compute tpus tpu-vm create {name} --zone {zone} --accelerator-type {type} --version {image}

# 2. Install: the TPU wheel of TensorFlow (2.20) and this checkout without its CPU TensorFlow
gcloud compute tpus tpu-vm scp --recurse --zone {zone} . {name}:robot_ai
gcloud compute tpus tpu-vm ssh {name} --zone {zone} --command '
  python3 -m venv ~/venv && ~/venv/bin/pip install -q tensorflow-tpu==2.20.* keras jiwer num2words tensorboard \\
    -f https://storage.googleapis.com/libtpu-tf-releases/index.html && ~/venv/bin/pip install -q -e robot_ai &&
  cd robot_ai && ~/venv/bin/python -m training tpu check'

# 3. Upload the caches (an hour of speech is 115 MB) and fetch them on the machine: they are read by memory map
gcloud storage cp --recursive ~/speech-cache {bucket}/
gcloud compute tpus tpu-vm ssh {name} --zone {zone} --command 'gcloud storage cp --recursive {bucket}/speech-cache ~/'

# 4. Train: checkpoints go to the bucket, and the same command goes on after a pre-emption
gcloud compute tpus tpu-vm ssh {name} --zone {zone} --command '
  cd robot_ai && nohup ~/venv/bin/python -m training train speech --config small --strategy tpu \\
    --data ~/speech-cache --folder {bucket}/runs/small > ~/train.log 2>&1 &'

# 5. Watch
tensorboard --logdir {bucket}/runs/small/tensorboard
gcloud compute tpus tpu-vm ssh {name} --zone {zone} --command 'tail -f ~/train.log'

# 6. Fetch the weights and export them here
gcloud storage cp --recursive {bucket}/runs/small ~/runs/
python -m training export speech --run ~/runs/small --out models/speech_es

# 7. Delete the machine: it costs until then. The bucket costs about 0.02 USD a GB and month.
gcloud compute tpus tpu-vm delete {name} --zone {zone} --quiet
'''


def plan(name: str, zone: str, kind: str, bucket: str) -> str:
    """Return the commands; ConfigurationError names the value that cannot be right."""
    if not re.fullmatch(r'[a-z]([-a-z0-9]{0,61}[a-z0-9])?', name):
        raise ConfigurationError(f'--name {name!r}: lower-case letters, digits and hyphens, a letter first')
    if not re.fullmatch(r'[a-z]+-[a-z]+\d-[a-z]', zone):
        raise ConfigurationError(f'--zone {zone!r}: expected a zone such as us-central1-a (not a region)')
    if kind not in TYPES:
        raise ConfigurationError(f'--type {kind!r}: expected one of {", ".join(TYPES)}')
    if not re.fullmatch(r'gs://[a-z0-9][-_.a-z0-9]{1,61}[a-z0-9](/[^\s\'"]*)?', bucket):
        raise ConfigurationError(f'--bucket {bucket!r}: expected gs://BUCKET or gs://BUCKET/FOLDER')
    image, chips, price = TYPES[kind]
    return PLAN.format(name=name, zone=zone, type=kind, image=image, chips=chips, price=price,
                       bucket=bucket.rstrip('/'))


def main(arguments: list[str]) -> int:
    """Run the command; see the module's docstring."""
    parser = argparse.ArgumentParser(prog='python -m training tpu', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest='command', required=True)
    planning = commands.add_parser('plan', help='print the commands')
    for option, text in (('--name', 'of the machine'), ('--zone', 'such as us-central1-a'),
                         ('--type', ', '.join(TYPES)), ('--bucket', 'gs://BUCKET[/FOLDER] for data and checkpoints')):
        planning.add_argument(option, required=True, help=text)
    checking = commands.add_parser('check', help='say whether a TPU can be used from here')
    checking.add_argument('--tpu', default='', help='name or grpc://HOST:PORT; empty: this machine')
    options = parser.parse_args(arguments)
    if options.command == 'plan':
        print(plan(options.name, options.zone, options.type, options.bucket), end='')
        return 0
    from training.strategies import open_strategy
    strategy = open_strategy('tpu', options.tpu)
    print(f'TPU ready: {strategy.replicas} replicas')
    return 0
