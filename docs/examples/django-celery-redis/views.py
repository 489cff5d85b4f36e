"""URLs and views: jobs are queued and looked up, a question is answered at once."""

import jobs
import llm
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import path
from django.views.decorators.http import require_POST

TASKS = {"summarise": jobs.summarise, "rate": jobs.rate}


@require_POST
def start(request: HttpRequest, name: str) -> HttpResponse:
    """Queue a job."""
    return JsonResponse({"id": TASKS[name].delay(request.POST["text"]).id})


def look_up(request: HttpRequest, name: str, job: str) -> HttpResponse:
    """Return what has become of a job."""
    found = TASKS[name].AsyncResult(job)
    return JsonResponse({"state": found.state, "result": found.result if found.successful() else None})


def ask(request: HttpRequest) -> HttpResponse:
    """Answer at once; while the session is dead, the middleware answers with 503."""
    return HttpResponse(llm.ask(request.GET["question"]))


@require_POST
def sign_in(request: HttpRequest) -> HttpResponse:
    """Take a new session; an application of your own lets only the right people do that."""
    llm.sign_in(request.POST["token"])
    return HttpResponse(status=204)


urlpatterns = [
    path("jobs/<name>", start),
    path("jobs/<name>/<job>", look_up),
    path("ask", ask),
    path("sign-in", sign_in),
]
