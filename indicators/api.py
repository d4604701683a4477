"""The public API: catalogue, records and exports of the open datasets. No account; errors are problem details (RFC 9457)."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime
from hashlib import file_digest, sha256
from tempfile import SpooledTemporaryFile
from typing import IO, Any

from django.core.cache import cache
from django.http import FileResponse, Http404, HttpResponse, HttpResponseBase
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, urlencode
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.exceptions import APIException, NotFound
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import AnonRateThrottle
from rest_framework.views import APIView

from indicators.services.datasets import (
    CATALOGUE,
    LICENCE,
    LICENCE_URL,
    PUBLISHER,
    SCHEMA_VERSION,
    Dataset,
    table_schema,
)
from indicators.services.exports import EXCEL, MEDIA_TYPES, json_text, plain, write_export
from indicators.services.records import DEFAULT_PAGE, MAX_PAGE, BadQueryError, ask, page, page_size

MEMORY_BYTES = 4 * 1024 * 1024
"""An export above this size waits on disk rather than in memory."""
SEEN_SECONDS = 90 * 24 * 3600
PROBLEM = "application/problem+json"


class JsonLdRenderer(JSONRenderer):
    """DCAT-AP description of the catalogue, for harvesters."""

    media_type = "application/ld+json"
    format = "jsonld"


class OpenNegotiation(BaseContentNegotiation):
    """Give JSON whatever is accepted, unless another form that exists is named: an address is enough to get a file."""

    def select_parser(self, request: Request, parsers: Sequence[Any]) -> Any:  # noqa: ARG002  # DRF's signature
        """Nothing is posted here."""
        return parsers[0]

    def select_renderer(
        self,
        request: Request,
        renderers: Sequence[Any],
        format_suffix: str | None = None,  # noqa: ARG002  # same
    ) -> Any:
        """Choose by « ?format= », else by « Accept », else the first."""
        asked, accepted = request.query_params.get("format"), request.headers.get("Accept", "")
        for renderer in renderers:
            if renderer.format == asked or (asked is None and renderer.media_type in accepted):
                return renderer, renderer.media_type
        return renderers[0], renderers[0].media_type


class OpenDataView(APIView):
    """A public view: no account, any origin, conditional requests, problem details."""

    authentication_classes = []
    permission_classes = [AllowAny]
    throttle_classes = [AnonRateThrottle]
    content_negotiation_class = OpenNegotiation
    # The version is in the address, and nothing here depends on it.
    versioning_class = None

    def get_exception_handler(self) -> Any:
        """Answer every refusal in one form."""
        return problem

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        """Open the answer to scripts of any site: the data is public and no cookie is read."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = "ETag, Last-Modified, Link, Content-Disposition"
        if request.method == "OPTIONS":
            response["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
            response["Access-Control-Allow-Headers"] = "Accept, Content-Type, If-None-Match, If-Modified-Since"
            response["Access-Control-Max-Age"] = "86400"
        return response


def problem(error: Exception, _context: dict[str, Any]) -> HttpResponse | None:
    """Return problem details for a refusal, or nothing for a fault of ours."""
    if isinstance(error, Http404):
        return _problem(404, "Introuvable", "Cette adresse n’existe pas.")
    if isinstance(error, BadQueryError):
        return _problem(400, "Demande incomprise", str(error), parameter=error.parameter)
    if isinstance(error, APIException):
        response = _problem(error.status_code, str(error.default_detail), str(error.detail))
        if wait := getattr(error, "wait", None):
            response["Retry-After"] = str(int(wait) + 1)
        return response
    return None


def _problem(status: int, title: str, detail: str, **more: str) -> HttpResponse:
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return HttpResponse(json_text(body), status=status, content_type=PROBLEM)


def dataset_of(slug: str) -> Dataset:
    """Return a dataset by slug.

    Raises:
        NotFound: there is none.
    """
    if slug not in CATALOGUE:
        raise NotFound(f"Le jeu « {slug} » n’existe pas. Jeux : {', '.join(CATALOGUE)}.")
    return CATALOGUE[slug]


def parameters_of(request: Request) -> Mapping[str, list[str]]:
    """Return the query parameters, each with all its values."""
    return dict(request.query_params.lists())


# Conditional answers ---------------------------------------------------------------------------------------------


def last_modified(request: Request, digest: str) -> datetime:
    """Return since when this address has given exactly this content, as far as the cache remembers.

    The instant only moves forward with the content, so that a client which asks by date alone never keeps a stale copy.
    """
    key = f"opendata:{sha256(request.get_full_path().encode()).hexdigest()}"
    known = cache.get(key)
    if known is None or known[0] != digest:
        known = (digest, timezone.now().replace(microsecond=0))
        cache.set(key, known, SEEN_SECONDS)
    seen: datetime = known[1]
    return seen


def conditional(request: Request, digest: str, answer: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """Return 304 (or 412) when the client's conditions say so, else the answer; stamped with a strong ETag and its date.

    ``digest`` is the hash of the body that the answer would have.
    """
    etag, modified = f'"{digest}"', int(last_modified(request, digest).timestamp())
    short = None
    if request.method in {"GET", "HEAD"}:
        short = get_conditional_response(request._request, etag, modified)  # noqa: SLF001  # DRF has no public name for it
    response = answer() if short is None else short
    response["ETag"] = etag
    response["Last-Modified"] = http_date(modified)
    response["Cache-Control"] = "public, max-age=60"
    return response


def json_answer(request: Request, body: Any, *, content_type: str = "application/json") -> HttpResponseBase:
    """Return a JSON answer that knows how to be 304."""
    content = json_text(body).encode()
    return conditional(request, sha256(content).hexdigest(), lambda: HttpResponse(content, content_type=content_type))


# Descriptions ----------------------------------------------------------------------------------------------------


def describe(request: Request, dataset: Dataset) -> dict[str, Any]:
    """Return the entry of a dataset in the catalogue."""
    changed = dataset.changed()
    here = request.build_absolute_uri(reverse("api-dataset", args=[dataset.slug]))
    return {
        "slug": dataset.slug,
        "title": dataset.title,
        "description": f"{dataset.summary} {dataset.excludes}",
        "nature": "live" if dataset.live else "edition",
        "frequency": dataset.frequency,
        "keywords": list(dataset.keywords),
        "publisher": PUBLISHER,
        "licence": {"title": LICENCE, "url": LICENCE_URL},
        "schema_version": SCHEMA_VERSION,
        "modified": changed.isoformat() if changed else None,
        "url": here,
        "page": request.build_absolute_uri(reverse("dataset", args=[dataset.slug])),
        "records": f"{here}records/",
        "exports": {name: f"{here}exports/{name}" for name in dataset.formats},
    }


def dcat(request: Request) -> dict[str, Any]:
    """Return the catalogue in DCAT-AP (JSON-LD)."""
    entries = []
    for dataset in CATALOGUE.values():
        about = describe(request, dataset)
        entries.append(
            {
                "@id": about["url"],
                "@type": "dcat:Dataset",
                "dct:title": about["title"],
                "dct:description": about["description"],
                "dct:license": {"@id": LICENCE_URL},
                "dct:publisher": {"@type": "foaf:Organization", "foaf:name": PUBLISHER},
                "dct:language": "fr",
                "dcat:keyword": about["keywords"],
                "dcat:landingPage": {"@id": about["page"]},
                **({"dct:modified": about["modified"]} if about["modified"] else {}),
                "dcat:distribution": [
                    {
                        "@id": url,
                        "@type": "dcat:Distribution",
                        "dct:title": f"{about['title']} ({name})",
                        "dcat:accessURL": {"@id": about["page"]},
                        "dcat:downloadURL": {"@id": url},
                        "dcat:mediaType": MEDIA_TYPES[name].partition(";")[0],
                        "dct:license": {"@id": LICENCE_URL},
                    }
                    for name, url in about["exports"].items()
                ],
            }
        )
    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
        },
        "@id": request.build_absolute_uri(reverse("api-datasets")),
        "@type": "dcat:Catalog",
        "dct:title": "Données ouvertes du réseau France Santé",
        "dct:publisher": {"@type": "foaf:Organization", "foaf:name": PUBLISHER},
        "dct:language": "fr",
        "dcat:dataset": entries,
    }


# Views -----------------------------------------------------------------------------------------------------------

_SLUG = OpenApiParameter("slug", str, OpenApiParameter.PATH, description="Jeu de données.", enum=list(CATALOGUE))
_SELECT = OpenApiParameter(
    "select", str, description="Colonnes voulues, séparées par des virgules ; toutes par défaut."
)
_ORDER = OpenApiParameter(
    "order_by",
    str,
    description="Colonnes de tri, séparées par des virgules ; « - » devant pour l’ordre décroissant. La clé du jeu départage.",
)
_FILTER = OpenApiParameter(
    "filtres",
    OpenApiTypes.OBJECT,
    style="form",
    explode=True,
    description="Un paramètre par colonne : « code_departement=01 », « code_departement__in=01,2A », "
    "« date_debut__gte=2026-01-01 », « date_debut__lte=2026-12-31 ». Un champ inconnu est refusé (400).",
    examples=[OpenApiExample("Un département", {"code_departement": "01"})],
)
_REFUSALS = {
    (400, PROBLEM): OpenApiResponse(OpenApiTypes.OBJECT, description="Champ, valeur ou curseur inconnu."),
    (404, PROBLEM): OpenApiResponse(OpenApiTypes.OBJECT, description="Jeu ou format inconnu."),
}


class DatasetsView(OpenDataView):
    renderer_classes = [JSONRenderer, JsonLdRenderer]

    @extend_schema(
        operation_id="listDatasets",
        summary="Catalogue",
        description="Les jeux de données ouverts. En JSON, ou en DCAT-AP (JSON-LD) avec « Accept: application/ld+json » ou "
        "« ?format=jsonld ».",
        tags=["Données ouvertes"],
        responses=OpenApiTypes.OBJECT,
    )
    def get(self, request: Request) -> HttpResponseBase:
        """List the datasets."""
        if request.accepted_renderer.format == JsonLdRenderer.format:
            return json_answer(request, dcat(request), content_type=JsonLdRenderer.media_type)
        return json_answer(request, {"datasets": [describe(request, dataset) for dataset in CATALOGUE.values()]})


class DatasetView(OpenDataView):
    @extend_schema(
        operation_id="describeDataset",
        summary="Description d’un jeu",
        description="Description, licence, schéma (Table Schema) et adresses d’un jeu de données.",
        tags=["Données ouvertes"],
        parameters=[_SLUG],
        responses={200: OpenApiTypes.OBJECT, (404, PROBLEM): _REFUSALS[404, PROBLEM]},
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Describe a dataset."""
        dataset = dataset_of(slug)
        about = describe(request, dataset) | {"schema": table_schema(dataset), "limits": list(dataset.limits)}
        return json_answer(request, about)


class RecordsView(OpenDataView):
    @extend_schema(
        operation_id="listRecords",
        summary="Enregistrements d’un jeu",
        description="Les lignes d’un jeu, page par page. « next » est l’adresse de la page suivante, ou null à la fin : "
        "la suivre jusqu’au bout donne chaque ligne une fois.",
        tags=["Données ouvertes"],
        parameters=[
            _SLUG,
            _SELECT,
            _FILTER,
            _ORDER,
            OpenApiParameter(
                "page_size",
                int,
                description=f"Lignes par page, de 1 à {MAX_PAGE}.",
                default=DEFAULT_PAGE,
            ),
            OpenApiParameter("cursor", str, description="Curseur opaque, pris dans « next »."),
        ],
        responses={200: OpenApiTypes.OBJECT, **_REFUSALS},
    )
    def get(self, request: Request, slug: str) -> HttpResponseBase:
        """Return one page of records."""
        parameters = parameters_of(request)
        question = ask(dataset_of(slug), parameters)
        found = page(
            question,
            on=timezone.localdate(),
            size=page_size(parameters),
            cursor=(parameters.get("cursor") or [""])[-1],
        )
        names = [column.name for column in question.columns]
        following = None
        if found.cursor:
            kept = {name: values for name, values in parameters.items() if name != "cursor"} | {"cursor": found.cursor}
            following = request.build_absolute_uri(f"{request.path}?{urlencode(kept, doseq=True)}")
        results = [dict(zip(names, map(plain, row), strict=True)) for row in found.rows]
        response = json_answer(request, {"next": following, "results": results})
        if following:
            response["Link"] = f'<{following}>; rel="next"'
        return response


class ExportView(OpenDataView):
    @extend_schema(
        operation_id="exportDataset",
        summary="Export d’un jeu",
        description="Toutes les lignes qui répondent aux filtres, sans limite de nombre, dans un ordre total. Le CSV est en "
        "UTF-8, séparé par des virgules ; « dialecte=excel » donne des points-virgules, un BOM et la virgule décimale.",
        tags=["Données ouvertes"],
        parameters=[
            _SLUG,
            OpenApiParameter(
                "format_fichier", str, OpenApiParameter.PATH, description="Format.", enum=list(MEDIA_TYPES)
            ),
            _SELECT,
            _FILTER,
            _ORDER,
            OpenApiParameter("dialecte", str, description="Pour le CSV seulement.", enum=[EXCEL]),
        ],
        responses={
            **{(200, media.partition(";")[0]): OpenApiTypes.BINARY for media in MEDIA_TYPES.values()},
            **_REFUSALS,
        },
    )
    def get(self, request: Request, slug: str, format_fichier: str) -> HttpResponseBase:
        """Return the whole answer as a file.

        It is written whole before the first byte leaves: an error is an error, never a truncated file.
        """
        dataset = dataset_of(slug)
        if format_fichier not in dataset.formats:
            raise NotFound(f"Le format « {format_fichier} » n’existe pas ici. Formats : {', '.join(dataset.formats)}.")
        parameters = parameters_of(request)
        for name in ("cursor", "page_size"):
            if name in parameters:
                raise BadQueryError(
                    f"« {name} » ne s’emploie que sur /records/ : un export donne toutes les lignes.", name
                )
        dialect = (parameters.get("dialecte") or [""])[-1]
        if dialect not in {"", EXCEL} or (dialect and format_fichier != "csv"):
            raise BadQueryError(f"dialecte « {dialect} » : seul « {EXCEL} » existe, pour le CSV.", "dialecte")
        question = ask(dataset, parameters)
        with ExitStack() as stack:
            file: IO[bytes] = stack.enter_context(SpooledTemporaryFile(MEMORY_BYTES))
            write_export(question, format_fichier, file, on=timezone.localdate(), dialect=dialect)
            length = file.tell()
            file.seek(0)
            digest = file_digest(file, "sha256").hexdigest()
            file.seek(0)

            def send() -> HttpResponseBase:
                # From here on, whoever sends the response closes the file.
                stack.pop_all()
                response = FileResponse(file, content_type=MEDIA_TYPES[format_fichier])
                response["Content-Length"] = str(length)
                response["Content-Disposition"] = f'attachment; filename="{slug}.{format_fichier}"'
                return response

            return conditional(request, digest, send)


class ApiRootView(OpenDataView):
    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        """Say where everything is."""
        return Response(
            {
                name: request.build_absolute_uri(reverse(view))
                for name, view in (("datasets", "api-datasets"), ("schema", "api-schema"), ("docs", "api-docs"))
            }
        )
