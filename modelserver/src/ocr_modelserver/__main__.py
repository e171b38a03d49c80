"""`ocr-modelserver`: serve a model, read files with it; fetch, pull, list and digest models."""

import argparse
import ctypes
import logging
import os
import signal
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import cv2
import uvicorn

from ocr_modelserver.app import create_app
from ocr_modelserver.config import MEBIBYTE, Config
from ocr_modelserver.models.catalogue import Catalogue, ModelError, load_catalogue
from ocr_modelserver.models.fetch import fetch_models
from ocr_modelserver.models.own import read_own
from ocr_modelserver.models.pull import Patience, Source, pull, read_authorization
from ocr_modelserver.models.store import default_models_dir, is_complete
from ocr_modelserver.reader import open_reader
from ocr_modelserver.show import write_pictures
from ocr_modelserver.threads import available_cpus
from ocr_wire import logs
from ocr_wire.raster import ImageProblem, Limits
from ocr_wire.tracing import TracingError

_MAX_PORT = 65535
_M_MMAP_THRESHOLD = -3
_DRAIN_SECONDS = 90  # longer than a body and a deadline of the gateway take


def main(arguments: list[str] | None = None) -> None:
    """Run the command.

    Ends with status 0, 1 (cannot run), 2 (wrong flags), 65 (another model's files), 69 (the server does not
    give them) or 77 (it does not give them to us).
    """
    given = sys.argv[1:] if arguments is None else arguments
    if not given or (given[0].startswith("-") and given[0] not in {"-h", "--help"}):
        given = ["serve", *given]
    catalogue = load_catalogue()
    parser = _parser(catalogue)
    options = parser.parse_args(given)
    if options.run in {_serve, _read} and (problem := _misnamed(options, catalogue)):
        parser.error(problem)
    try:
        options.run(options, catalogue)
        sys.stdout.flush()
    except BrokenPipeError:  # as of `| head`; what Python would flush at its end has no reader either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except (ModelError, TracingError) as error:
        print(f"ocr-modelserver: {error}", file=sys.stderr)
        sys.exit(error.exit_code if isinstance(error, ModelError) else 1)


def _parser(catalogue: Catalogue) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ocr-modelserver", description="OCR models behind HTTP (OIP v2).")
    commands = parser.add_subparsers(required=True, metavar="serve|read|fetch-models|pull|models|digest")
    _add_serve(commands.add_parser("serve", help="serve a model (the default)"), catalogue)
    fetch = commands.add_parser("fetch-models", help="download and verify model files")
    fetch.add_argument("--dest", type=Path, default=default_models_dir(), metavar="DIR", help="(%(default)s)")
    fetch.add_argument(
        "--model",
        nargs="+",
        action="extend",
        choices=catalogue.names,
        metavar="NAME",
        help=f"of {', '.join(catalogue.names)} (all)",
    )
    fetch.set_defaults(run=_fetch)
    _add_pull(commands.add_parser("pull", help="bring an own model from an HTTPS server, verified"))
    reading = commands.add_parser("read", help="print the text of image files")
    reading.add_argument("files", nargs="+", type=Path, metavar="FILE")
    _add_model(reading, catalogue)
    reading.add_argument("--output", choices=["text", "json"], default="text", help="(%(default)s)")
    reading.add_argument("--show", action="store_true", help="write FILE.ocr.png: boxes, paragraphs, order")
    reading.set_defaults(run=_read)
    listing = commands.add_parser("models", help="list the catalogue and what is on disk")
    listing.add_argument("--models-dir", type=Path, default=default_models_dir(), metavar="DIR")
    listing.set_defaults(run=_list)
    digest = commands.add_parser("digest", help="print the sha256 of an own model")
    digest.add_argument("folder", type=Path, metavar="DIR", help="folder with model.yaml")
    digest.set_defaults(run=_digest)
    return parser


def _add_pull(pulling: argparse.ArgumentParser) -> None:
    add = pulling.add_argument
    add("--url", type=_folder_url, required=True, metavar="URL", help="https:// URL of the model's folder")
    add("--sha256", required=True, metavar="HEX", help="what the model must have; see digest")
    add("--dest", type=Path, required=True, metavar="DIR", help="folder to bring it to")
    add("--authorization-file", type=Path, metavar="FILE", help="with the whole Authorization header")
    add("--ca-file", type=Path, metavar="FILE", help="PEM certificates to trust instead of the public ones")
    add("--timeout-seconds", type=_Whole(1, 86_400), default=120, help="time for all of it (%(default)s)")
    pulling.set_defaults(run=_pull)


def _folder_url(text: str) -> str:
    place = urlsplit(text)
    if place.scheme != "https" or not place.hostname or "@" in place.netloc or place.query or place.fragment:
        # Not what was given: it may hold a password.
        raise argparse.ArgumentTypeError("write https://HOST[:PORT]/FOLDER/, without user and query")
    return text


def _add_serve(serve: argparse.ArgumentParser, catalogue: Catalogue) -> None:
    serve.formatter_class = argparse.ArgumentDefaultsHelpFormatter
    add = serve.add_argument
    add("--host", default="127.0.0.1", help="address to listen on, IPv4 or IPv6")
    add("--port", type=_Whole(0, _MAX_PORT), default=8080, help="port to listen on")
    _add_model(serve, catalogue)
    add("--threads", type=_Whole(0, 1024), default=0, help="CPUs to use; 0: the container's limit")
    add(
        "--mode",
        choices=["throughput", "latency"],
        default="throughput",
        help="throughput: a page a thread; latency: all threads on one page",
    )
    add("--max-queue", type=_Whole(1, 10_000), default=64, help="pages that may wait")
    add("--warmup", action=argparse.BooleanOptionalAction, default=True, help="run once before being ready")
    add("--max-image-pixels", type=_Whole(16, 1_000_000_000), default=50_000_000, help="pixels of a page")
    add("--max-pages", type=_Whole(1, 10_000), default=50, help="pages of an image file")
    add("--service", default="local", help="value of the metrics' label ocrservice")
    add("--access-log-sample", type=_Whole(1, 1_000_000), default=1, help="1 of so many successes is logged")
    add("--log-level", choices=["debug", "info", "warning", "error"], default="info", help="least level")
    serve.set_defaults(run=_serve)


def _add_model(command: argparse.ArgumentParser, catalogue: Catalogue) -> None:
    add = command.add_argument
    add("--model", default=catalogue.default, metavar="NAME", help="in the catalogue, or of an own model")
    add(
        "--languages",
        type=lambda text: tuple(text.split(",")),
        default=(),
        metavar="TAG,TAG",
        help="BCP 47; only their characters are read (all that the model reads)",
    )
    add("--models-dir", type=Path, default=default_models_dir(), metavar="DIR", help="the catalogue's files")
    add("--model-dir", type=Path, metavar="DIR", help="an own model's folder, with model.yaml")
    add("--model-sha256", metavar="HEX", help="what the own model must have; see digest")


def _misnamed(options: argparse.Namespace, catalogue: Catalogue) -> str | None:
    if options.model_dir is None and options.model_sha256 is not None:
        return "argument --model-sha256: goes with --model-dir"
    if options.model_dir is None and options.model not in catalogue.names:
        return f"argument --model: {options.model!r} is none of {', '.join(catalogue.names)}"
    if options.model_dir is not None and options.model in catalogue.names:
        return f"argument --model: {options.model!r} is the catalogue's; give the own model another name"
    return None


class _Whole:
    """An argument type: a whole number within bounds."""

    def __init__(self, least: int, most: int) -> None:
        self._least, self._most = least, most

    def __call__(self, text: str) -> int:
        if not text.isascii() or not text.isdigit() or not self._least <= int(text) <= self._most:
            raise argparse.ArgumentTypeError(
                f"{text!r} is not a whole number of {self._least} to {self._most}"
            )
        return int(text)


def _serve(options: argparse.Namespace, _: Catalogue) -> None:
    logs.configure(options.log_level)
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it would write plain lines
    cv2.setNumThreads(1)  # the cores are busy with pages or lines
    _return_large_blocks()
    listener = _listen(options.host, options.port)
    app = create_app(
        Config(
            models_dir=options.models_dir,
            threads=options.threads or available_cpus(),
            model=options.model,
            model_dir=options.model_dir,
            model_sha256=options.model_sha256,
            languages=options.languages,
            mode=options.mode,
            max_queue=options.max_queue,
            warmup=options.warmup,
            limits=Limits(options.max_image_pixels, options.max_pages),
            service=options.service,
            access_log_sample=options.access_log_sample,
        )
    )
    host, port = listener.getsockname()[:2]
    logging.getLogger(__name__).info("listening", extra={"host": host, "port": port})
    config = uvicorn.Config(
        app,
        http="httptools",
        loop="uvloop",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
    )
    # uvicorn drains on these signals and then raises them again: this handler makes that status 0.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run([listener])


def _read(options: argparse.Namespace, _: Catalogue) -> None:
    config = Config(
        options.models_dir,
        available_cpus(),
        model=options.model,
        model_dir=options.model_dir,
        model_sha256=options.model_sha256,
        languages=options.languages,
        mode="latency",
    )
    reader, threads = open_reader(config), ThreadPoolExecutor(config.threads)
    for path in options.files:
        try:
            data = path.read_bytes()
            document = reader.read(data, lambda: None, threads.map)
            if options.show:
                write_pictures(path, data, document, config.limits)
        except OSError as error:
            raise ModelError(f"{error.filename or path}: {error.strerror}") from None
        except ImageProblem as problem:
            raise ModelError(f"{path}: {problem.detail}") from None
        print(document.model_dump_json() if options.output == "json" else document.text)


def _return_large_blocks() -> None:
    """Give a decoded page's memory back to the system as soon as it is freed.

    glibc raises its threshold for doing so up to 32 MiB when it sees blocks of that size, and a few large
    pages would stay in the process for good. Fixing the threshold turns that off (mallopt(3)).
    """
    if hasattr(libc := ctypes.CDLL(None), "mallopt"):
        libc.mallopt(_M_MMAP_THRESHOLD, 4 * MEBIBYTE)


def _listen(host: str, port: int) -> socket.socket:
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as error:
        # The resolver's errors have negative numbers and words of their own.
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise ModelError(f"cannot listen on {host} port {port}: {reason}") from None


def _fetch(options: argparse.Namespace, catalogue: Catalogue) -> None:
    names = options.model or catalogue.names
    wanted = {model: catalogue.models[model] for name in names for model in catalogue.profile(name).models}
    missing = {name: model for name, model in wanted.items() if not is_complete(options.dest, name, model)}
    for name in wanted.keys() - missing.keys():
        print(f"{name}: already in {options.dest / name}")
    for name in fetch_models(options.dest, missing):
        print(f"{name}: fetched to {options.dest / name}")


def _pull(options: argparse.Namespace, _: Catalogue) -> None:
    # Process 1 of a container does not end by a signal that it has no handler for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    header = read_authorization(options.authorization_file) if options.authorization_file else None
    source = Source(options.url, header, options.ca_file)
    pull(source, options.dest, options.sha256, Patience(options.timeout_seconds))
    print(f"{options.url}: in {options.dest}, sha256 {options.sha256}")


def _list(options: argparse.Namespace, catalogue: Catalogue) -> None:
    complete = {
        name for name, model in catalogue.models.items() if is_complete(options.models_dir, name, model)
    }
    for name in catalogue.names:
        models = {each: catalogue.models[each] for each in catalogue.profile(name).models}
        state = "on disk" if complete.issuperset(models) else "not fetched"
        source = ", ".join(models) if name in catalogue.profiles else models[name].wheel.replace("==", " ")
        licence = ", ".join({model.licence for model in models.values()})
        languages = " ".join(catalogue.languages(name))
        print(f"{name}\t{state}\t{source}\t{licence}\tsha256 {catalogue.sha256(name)[:12]}\t{languages}")


def _digest(options: argparse.Namespace, _: Catalogue) -> None:
    print(read_own(options.folder).sha256)


if __name__ == "__main__":
    main()
