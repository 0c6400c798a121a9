"""The tools that an agent may call, and what becomes of a call."""

from __future__ import annotations

import inspect
import json
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import TypeAdapter, validate_call
from pydantic.errors import PydanticSchemaGenerationError, PydanticUserError

from agents.questions import UNPARSED
from agents.texts import clean_text
from goldloop.errors import SettingsError
from goldloop.samples import ToolCall
from goldloop.schemas import Schema

MAX_RESULT = 100_000
MAX_SAID = 2_000

Function = Callable[..., object]
# Runs any tool, given its name and its arguments.
Execute = Callable[[str, Mapping[str, Any]], object]


@dataclass(frozen=True, slots=True)
class Tools:
    """What a model is told of its tools, and the functions that run them.

    `definitions` are bare function definitions: name, description and parameters (a JSON schema).
    `execute` is None where calls are recorded and not executed.
    """

    definitions: Sequence[Mapping[str, Any]] = ()
    execute: Execute | None = None
    parameters: Mapping[str, Schema] = field(default_factory=dict)

    def result(self, call: ToolCall) -> str:
        """The tool's answer as text, of at most 100,000 characters.

        The model, not the run, has to deal with what goes wrong: a tool that there is not,
        arguments that do not fit its definition and are not passed on, and a tool that raises are
        answered with a text that begins with "error:".
        """
        problem = self._problem(call)
        if problem:
            return f"error: {clean_text(problem)}"
        try:
            text = _text(self.execute(call.name, call.arguments) if self.execute else None)
        # It is somebody else's code: whatever it raises, or its exit, is that tool's failure.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            return clean_text(f"error: {type(error).__name__}: {error}"[:MAX_SAID])
        if len(text) > MAX_RESULT:
            text = f"{text[:MAX_RESULT]}\n[cut off after {MAX_RESULT} of {len(text)} characters]"
        return clean_text(text)

    def _problem(self, call: ToolCall) -> str | None:
        if set(call.arguments) == {UNPARSED}:
            return "the arguments are not a JSON object"
        schema = self.parameters.get(call.name)
        if schema is None and self.definitions:
            known = ", ".join(definition["name"] for definition in self.definitions)
            return f"there is no tool {call.name[:80]!r}; there are: {known}"
        misfit = schema.misfit(dict(call.arguments)) if schema else None
        return misfit and f"the arguments do not fit, {misfit}"


def recorded_tools(tools: object) -> Tools:
    """Tools whose calls are recorded: OpenAI's tool definitions, or bare function definitions.

    Raises `SettingsError` for one without a name, a name that comes twice, or parameters that are
    no JSON schema.
    """
    definitions = [_definition(tool) for tool in _list(tools)]
    parameters = {}
    for definition in definitions:
        name = definition["name"]
        if name in parameters:
            raise SettingsError(f"agent tools: two tools are named {name!r}")
        schema = definition.get("parameters") or {"type": "object"}
        parameters[name] = Schema(schema, f"agent tools: the parameters of {name!r}")
    return Tools(definitions, None, parameters)


def executed_tools(tools: object, run: object, what: str) -> Tools:
    """Tools whose calls are executed by `run`.

    That is a function of a name and arguments, or a mapping of names to functions, which are called
    with the arguments by name. Where `tools` is empty, the definitions are derived from the
    mapping's functions: parameters from their annotations, descriptions from their docstrings.
    Raises `SettingsError`, naming `what`, for functions that cannot be called so.
    """
    if not isinstance(run, Mapping):
        if not _is_plain(run):
            raise SettingsError(
                f"{what}: expected a plain function of (name, arguments), or a mapping of tools' "
                "names to functions"
            )
        given = recorded_tools(tools)
        return Tools(given.definitions, cast(Execute, run), given.parameters)
    if not run:
        raise SettingsError(f"{what}: the mapping holds no tools")
    functions = {_name(name, what): _function(name, one, what) for name, one in run.items()}
    given = recorded_tools(tools or [derived(name, run[name], what) for name in run])
    missing = sorted(given.parameters.keys() - functions.keys())
    if missing:
        raise SettingsError(f"{what}: there is no function for the tool {missing[0]!r}")
    return Tools(
        given.definitions, lambda name, values: functions[name](**values), given.parameters
    )


def derived(name: str, function: Function, what: str) -> dict[str, Any]:
    """The definition of a tool, out of the function's signature and docstring."""
    try:
        with warnings.catch_warnings():
            # A default that JSON does not have is left out of the schema, which is all right.
            warnings.simplefilter("ignore")
            schema = TypeAdapter(cast(Any, function)).json_schema()
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError, NameError) as error:
        said = str(error).partition("\n")[0]
        raise SettingsError(f"{what}: no definition can be made of {name!r}: {said}") from None
    if schema.get("type") != "object":
        raise SettingsError(f"{what}: {name!r} takes arguments that cannot be given by name")
    definition = {"name": name, "description": inspect.getdoc(function) or "", "parameters": schema}
    return {key: value for key, value in definition.items() if value}


def _function(name: str, function: object, what: str) -> Function:
    """Converts what JSON does not have, such as dates, by the annotations."""
    if not _is_plain(function):
        raise SettingsError(f"{what}: {name!r} is no plain function")
    try:
        return validate_call(function)  # type: ignore[call-overload, no-any-return]
    except (PydanticSchemaGenerationError, PydanticUserError, TypeError, NameError) as error:
        said = str(error).partition("\n")[0]
        raise SettingsError(f"{what}: {name!r} cannot be called: {said}") from None


def _is_plain(function: object) -> bool:
    return callable(function) and not inspect.iscoroutinefunction(function)


def _name(name: object, what: str) -> str:
    if not isinstance(name, str) or not name:
        raise SettingsError(f"{what}: expected names of tools as keys, got {str(name)[:40]!r}")
    return name


def _list(tools: object) -> Sequence[object]:
    if not isinstance(tools, list | tuple):
        raise SettingsError("agent tools: expected a list of tool definitions")
    return tools


def _definition(tool: object) -> Mapping[str, Any]:
    function = tool.get("function", tool) if isinstance(tool, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise SettingsError("agent tools: every tool needs a `name`, or `function` with a `name`")
    return {key: value for key, value in function.items() if key != "type"}


def _text(result: object) -> str:
    return result if isinstance(result, str) else json.dumps(result, default=str)
