"""How long and how fast a model is trained: LoopConfig and the learning rate of a step; the same in every backend."""
from dataclasses import dataclass, field


@dataclass(frozen=True)
class LoopConfig:
    """How long and how fast; every number that a run's config may set."""

    steps: int = 10000
    peak_rate: float = 1e-3
    warm_up: int = 400  # steps of linearly rising learning rate
    decay_from: float = 0.6  # share of `steps` after which the rate falls linearly to `final_rate` of the peak
    final_rate: float = 0.02
    weight_decay: float = 1e-2
    clip_norm: float = 1.0  # of the whole gradient; 0: none
    beta_2: float = 0.98
    average: float = 0.999  # of the weights' moving average, per step; 0: none
    evaluate_every: int = 500
    checkpoint_every: int = 200
    log_every: int = 25
    metric: str = 'loss'  # of evaluate(), minimised
    patience: int = 0  # evaluations without a better metric before stopping; 0: never
    stop_loss: float = 0.0  # stop once the mean training loss of `log_every` steps is below; 0: never
    jit: bool = False  # compile the step with XLA (GPU; TPUs always do)
    steps_per_execution: int = 1  # steps in one call of the compiled graph, where so many batches have one shape
    precision: str = 'float32'  # or bfloat16: the layers' arithmetic; weights, softmax and loss stay float32
    extra: dict = field(default_factory=dict)  # the model's own; not read here


def learning_rate(step: int, config: LoopConfig) -> float:
    """Warm up linearly, hold, then fall linearly from `decay_from` of the steps on."""
    rise = min(1.0, (step + 1) / max(1, config.warm_up))
    start = config.decay_from * config.steps
    fall = min(1.0, max(0.0, (step - start) / max(1.0, config.steps - start)))
    return config.peak_rate * rise * (1 - fall * (1 - config.final_rate))
