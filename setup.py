"""Install robot_ai with pip or as a ROS 2 ament_python package (colcon)."""
from pathlib import Path

from setuptools import find_packages, setup

NAME = 'robot_ai'
HERE = Path(__file__).parent
SHARED_FOLDERS = ('launch', 'config', 'models')

NODES = ('microphone', 'speech_to_text', 'camera', 'character_recognizer', 'state_machine', 'speaker',
         'bag_player', 'web', 'performer')


def data_files():
    """Return the data_files list: the ament index marker, package.xml and the shared folders' files."""
    files = [('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
             (f'share/{NAME}', ['package.xml'])]
    for folder in SHARED_FOLDERS:
        by_parent = {}
        for path in sorted((HERE / folder).rglob('*')):
            if path.is_file() and '__pycache__' not in path.parts:
                relative = path.relative_to(HERE)
                by_parent.setdefault(relative.parent.as_posix(), []).append(relative.as_posix())
        files += [(f'share/{NAME}/{parent}', paths) for parent, paths in by_parent.items()]
    return files


setup(
    name=NAME,
    version='0.1.0',
    description='Offline Spanish ears, eyes and dialogue for an assistive robot, on ROS 2',
    license='Apache-2.0',
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['py.typed', 'dialogue/*.json', 'dialogue/*.txt', 'web/static/**/*']},
    data_files=data_files(),
    python_requires='>=3.10',
    install_requires=[
        'ai-edge-litert>=2.0',
        'av>=12.0',
        'anyascii>=0.3',
        'cryptography>=42',
        'jsonschema>=4.0',
        'num2words>=0.5.13',
        'numpy>=1.26',
        'opencv-python-headless>=4.8',
        'psutil>=5.9',
        'pyyaml>=6.0',
        'rapidfuzz>=3.0',
        'rosbags>=0.11',
        'ruamel.yaml>=0.18',
        'segno>=1.5',
        'soundfile>=0.12',
        'soxr>=0.3.7',
        'SpeechRecognition>=3.10',
        'starlette>=0.37',
        'transitions>=0.9',
        'uvicorn>=0.35',
        'webrtcvad-wheels>=2.0.11',
        'websockets>=13',
    ],
    extras_require={
        'microphone': ['PyAudio>=0.2.13'],
        'training': ['tensorflow-cpu>=2.20', 'keras>=3.12', 'jiwer>=3.0', 'scipy>=1.10', 'tqdm>=4.60',
                     'tensorboard>=2.19', 'safetensors>=0.4', 'sentencepiece>=0.2', 'Pillow>=10.1'],
        'noise': ['noisereduce>=3.0'],
        'data': ['apache-beam>=2.70', 'beautifulsoup4>=4.12', 'google-crc32c>=1.5', 'nltk>=3.8',
                 'pyroomacoustics>=0.7', 'requests>=2.28', 'spylls>=0.1.7', 'tqdm>=4.60'],
        'test': ['pytest>=8', 'pytest-timeout>=2', 'pytest-xdist>=3', 'hypothesis>=6', 'playwright>=1.45',
                 'axe-playwright-python>=0.1.4', 'httpx2', 'quickjs-ng>=0.16'],
    },
    entry_points={
        'console_scripts': ['robot-ai = robot_ai.cli:main'] + [
            f'{node} = robot_ai.executables:{node}' for node in NODES],
    },
)
