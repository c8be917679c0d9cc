"""The page: a control for everything that the model takes, and the pictures. It is an app of Gradio."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.demos.model import FURTHEST, LARGE, LONGEST, MOST, Asked, DemoModel, Span
from ganzoo.errors import GanzooError, UsageError, counted, printable
from ganzoo.files.paths import to_path
from ganzoo.gan.gan import GAN
from ganzoo.gan.inputs import LONGEST_TEXT, SOURCE
from ganzoo.registry.about import install
from ganzoo.registry.sizes import colours_text, pixels_text, size_of

if TYPE_CHECKING:
    import gradio

ANALYTICS = "GRADIO_ANALYTICS_ENABLED"
KEPT = (3600, 3600)  # seconds: how often pictures that were shown are swept away, and how old they are then
EXACT = 2**53  # the first number that a browser cannot tell from the next
STYLE = """<style>
.ganzoo-small img { image-rendering: pixelated; }
.ganzoo-pictures, .ganzoo-pictures * { max-height: none !important; }
@media (max-width: 640px) { .ganzoo-pairs .grid-container { grid-template-columns: 1fr 1fr !important; } }
.ganzoo-facts { opacity: .75; overflow-wrap: anywhere; }
</style>"""


def refuse_without_gradio() -> None:
    """Refuse to begin where the package that makes pages is not here; none of them asks the outside for anything.

    Raises:
        UsageError: with what installs it.
    """
    os.environ.setdefault(ANALYTICS, "False")  # before it is imported: it would tell its makers, and ask them for news
    try:
        import gradio  # noqa: F401
    except ImportError as error:
        raise UsageError(f"a page is made with gradio, and {error.name} is not here: {install('demo')}") from error


def demo(
    model: str | PathLike[str] | GAN,
    *,
    directions: str | PathLike[str] | None = None,
    device: str = "cpu",
    revision: str | None = None,
    token: str | None = None,
) -> gradio.Blocks:
    """A page to play with a trained model: seeds, classes, truncation, directions; or a picture in and one out.

    It is an app of Gradio (``pip install 'ganzoo-core[demo]>=0.2'``): ``ganzoo.demo("dcgan-mnist").launch()`` opens it
    here or in a notebook, and the same two lines are all that a Space of the Hub needs, which ``ganzoo push --space``
    makes. The same seed draws the same pictures as ``ganzoo sample``.

    Args:
        model: as :func:`ganzoo.load` takes it, or a GAN.
        directions: a file that ``ganzoo directions`` wrote for this model: the page gets a slider for each.
        device: where the weights go, such as ``"cuda"``.
        revision: branch, tag or commit of a model of the Hub.
        token: of the Hub, for a private model.

    Returns:
        The app; nothing is served before its ``launch()``.

    Raises:
        UsageError: Gradio is not installed, or the directions are of another model.
        HubError: the Hub does not have the model, or cannot be reached.
        ModelError: for a model that is missing, torn or not to be trusted.

    Example:
        >>> ganzoo.demo("my-org/sagan-cifar10").launch()
    """
    refuse_without_gradio()
    file = None if directions is None else to_path(directions, "directions")
    if isinstance(model, GAN):
        return page_of(demo_model(model, "MODEL", file))
    from ganzoo.gan.arguments import read_device
    from ganzoo.hub.locate import locate

    device = str(read_device(device))  # before anything is fetched
    return page_of(demo_model(locate(model, revision, token).load(device), str(model), file))


def demo_model(gan: GAN, name: str, file: Path | None = None) -> DemoModel:
    """A model as a page asks it.

    Args:
        gan: ready to sample.
        name: what a person calls it.
        file: of directions; None for none.

    Raises:
        UsageError: the directions are of another model.
        ModelError: the file holds none.
    """
    from ganzoo.folder.directions import model_digest, read_directions, refuse_other

    if file is None:
        return DemoModel(gan, name)
    found = read_directions(file)
    refuse_other(found, gan, model_digest(gan))
    return DemoModel(gan, name, found, str(file))


@dataclass(frozen=True)
class Control:
    """Something on the page that a person sets.

    Attributes:
        component: of Gradio.
        event: of the component, such as ``"release"``, once a person has set it.
        put: what a value of it, where it is set, makes of an :class:`Asked`'s fields.
    """

    component: Any
    event: str
    put: Callable[[dict[str, Any], Any], None]


Controls = Mapping[str, Control]


def page_of(model: DemoModel) -> gradio.Blocks:
    """The page of a model, as an app of Gradio."""
    import gradio as gr

    title = f"{printable(model.name, LONGEST)} · ganzoo"
    with gr.Blocks(title=title, delete_cache=KEPT, analytics_enabled=False) as page:
        gr.HTML(STYLE + _heading(model))
        with gr.Row():
            with gr.Column(scale=1, min_width=280):
                controls = _controls(model)
                fresh, again = _buttons(model)
            with gr.Column(scale=2, min_width=320):
                results = _results(model)

        def draw(**values: Any) -> tuple[list[Any], str]:
            return _answer(model, controls, values)

        told: dict[str, Any] = {
            "inputs_kwargs": {name: control.component for name, control in controls.items()},
            "outputs": results,
            "concurrency_id": "draw",
            "concurrency_limit": 1,
        }
        set_by_hand = [getattr(control.component, control.event) for control in controls.values()]
        gr.on([again.click, *set_by_hand], draw, **told, api_name="sample", trigger_mode="always_last")
        page.load(draw, **told, api_visibility="private")
        if fresh is not None:
            seed = controls["seed"].component
            turned = fresh.click(lambda: secrets.randbelow(2**31), None, seed, api_visibility="private")
            turned.then(draw, **told, api_visibility="private")
    return page


def _answer(model: DemoModel, controls: Controls, values: Mapping[str, Any]) -> tuple[list[Any], str]:
    """Pictures and the command for what the controls say.

    Raises:
        gradio.Error: what the page shows, of whatever a person can mend.
    """
    import gradio as gr

    fields: dict[str, Any] = {"moves": {}}
    try:
        for name, value in values.items():
            if value is not None:
                controls[name].put(fields, value)
        return model.draw(Asked(**fields))
    except GanzooError as error:
        raise gr.Error(_plain(str(error)), print_exception=False) from error


def _controls(model: DemoModel) -> dict[str, Control]:
    """A control for all that a model takes, by the name that it has for programs."""
    import gradio as gr

    most = MOST if model.draws else min(MOST, max(map(len, model.gan.examples.values()), default=1))
    what = "Pictures" if model.draws else "Examples of the model"
    number = gr.Slider(1, max(most, 2), max(model.usual, 1), step=1, precision=0, label=what, visible=most > 1)
    controls = {"n": Control(number, "release", lambda fields, value: fields.update(n=int(value)))}
    if model.draws:
        seed = gr.Number(0, label="Seed", precision=0, minimum=1 - EXACT, maximum=EXACT - 1)
        controls["seed"] = Control(seed, "submit", lambda fields, value: fields.update(seed=int(value)))
    if model.takes_picture:
        height, width = model.gan.source_image[1:]
        picture = gr.Image(
            type="filepath",
            image_mode=None,
            sources=["upload", "clipboard"],
            label=f"Picture to translate: its middle, at {width} x {height}",
            height=240,
        )
        controls["picture"] = Control(picture, "input", lambda fields, value: fields.update(picture=Path(value)))
    if model.takes_text:
        text = gr.Textbox(label="Text", info="What to draw; empty: examples of the model", max_length=LONGEST_TEXT)
        controls["text"] = Control(text, "submit", lambda fields, value: fields.update(text=value))
    if model.gan.classes:
        controls["labels"] = _label_control(model)
    span = model.span()
    if span is not None:
        controls["truncation"] = _truncation_control(span)
    return {**controls, **_direction_controls(model)}


def _label_control(model: DemoModel) -> Control:
    import gradio as gr

    def put(fields: dict[str, Any], value: Any) -> None:
        words = [value] if isinstance(value, str) else value
        fields["labels"] = [str(word) for word in words if str(word).strip()]

    if choices := model.choices():
        together = model.gan.label_kind == "multilabel"
        info = "All of them in each picture; empty: as in the training" if together else "In turn; empty: all in turn"
        return Control(gr.Dropdown(choices, value=[], multiselect=True, label="Class", info=info), "input", put)
    names = ", ".join(printable(name, LONGEST) for name in model.gan.class_names[:8])
    info = f"As many numbers, as 0.5/-1; empty: as in the training. {names}"
    return Control(gr.Textbox(label=counted(model.gan.classes, "number"), info=info), "submit", put)


def _truncation_control(span: Span) -> Control:
    import gradio as gr

    def put(fields: dict[str, Any], value: float) -> None:
        fields["truncation"] = None if value >= span.most else value

    slider = gr.Slider(span.least, span.most, span.most, step=span.step, label="Truncation", info=span.about)
    return Control(slider, "release", put)


def _direction_controls(model: DemoModel) -> dict[str, Control]:
    """A slider for each of the first directions."""
    import gradio as gr

    def one(number: int) -> Control:
        slider = gr.Slider(-FURTHEST, FURTHEST, 0, step=0.1, label=f"d{number}")
        return Control(slider, "release", lambda fields, value: fields["moves"].update({number: value}))

    if not model.moves:
        return {}
    with gr.Accordion("Directions, in standard deviations"):
        return {f"d{number}": one(number) for number in range(model.moves)}


def _buttons(model: DemoModel) -> tuple[Any, Any]:
    """The one for another seed, where there is one, and the one that draws."""
    import gradio as gr

    with gr.Row():
        fresh = gr.Button("Another seed", min_width=120) if model.draws else None
        return fresh, gr.Button("Draw", variant="primary", min_width=120)


def _results(model: DemoModel) -> list[Any]:
    """Where the pictures are shown, and the command."""
    import gradio as gr

    kinds = {"small": max(model.gan.image[1:]) <= LARGE, "pairs": SOURCE in model.gan.input_names}
    gallery = gr.Gallery(
        label="Pictures",
        show_label=False,
        format="png",  # no other keeps every value
        columns=4 if model.usual > 4 else 2,
        object_fit="contain",
        interactive=False,
        elem_classes=["ganzoo-pictures", *(f"ganzoo-{kind}" for kind, holds in kinds.items() if holds)],
    )
    same = gr.Textbox(label="The same on the command line", buttons=["copy"], interactive=False, lines=2)
    return [gallery, same]


def _heading(model: DemoModel) -> str:
    """What the model is: names of strangers' folders stand there, as text and nothing else."""
    gan = model.gan
    config: Any = getattr(gan, "config", {})
    data = config.get("dataset", {}).get("name")
    facts = [
        str(gan.plan.recipe),
        f"{pixels_text(size_of(gan.height, gan.width))}, {colours_text(gan.channels, gan.bits)}",
    ]
    facts += [f"trained on {data}"] if data else []
    facts += [f"weights under {config['license']}"] if config.get("license") else []
    return f'<h2>{_plain(model.name)}</h2><p class="ganzoo-facts">{" · ".join(map(_plain, facts))}</p>'


def _plain(text: str) -> str:
    """Text as HTML that shows it letter by letter, whatever a template or a browser would take it for."""
    return "".join(one if one.isalnum() or one == " " else f"&#{ord(one)};" for one in printable(text, None))
