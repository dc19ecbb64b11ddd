"""Polls: anyone asks, and everyone votes once on each."""
import logging

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from .models import Choice, Poll

log = logging.getLogger(__name__)
SHOWN = 20  # polls on the page
MEMORY = 200  # polls that a guest is remembered to have voted on


@require_GET
def index(request):
    polls = list(Poll.objects.prefetch_related("choices")[:SHOWN])
    log.debug("polls read", extra={"request": request, "fields": {"count": len(polls)}})
    return render(request, "polls/page.html", {
        "title": settings.CONFIG.site_title, "polls": polls,
        "name": request.session.get("name", ""), "voted": request.session.get("voted", []),
    })


@require_POST
def name(request):
    """Remember who the guest is."""
    request.session["name"] = request.POST.get("name", "").strip()[:80]
    return redirect("/")


@require_POST
def ask(request):
    """Open a poll, with choices separated by commas."""
    question = request.POST.get("question", "").strip()[:200]
    choices = [c.strip()[:100] for c in request.POST.get("choices", "").split(",") if c.strip()][:10]
    if not question or len(choices) < 2:
        return HttpResponse("A poll has a question and two choices at least.\n", status=422, content_type="text/plain")
    with transaction.atomic():
        poll = Poll.objects.create(question=question, author=request.session.get("name") or "Anonymous")
        Choice.objects.bulk_create(Choice(poll=poll, text=text) for text in choices)
    log.debug("poll opened", extra={"request": request, "fields": {"choices": len(choices)}})
    return redirect("/")


@require_POST
def vote(request):
    """Count a vote, unless the guest has voted on this poll."""
    number = request.POST.get("choice", "")
    choice = get_object_or_404(Choice, pk=int(number) if number.isascii() and number.isdigit() and len(number) < 19 else 0)
    voted = request.session.get("voted", [])
    if choice.poll_id not in voted:
        Choice.objects.filter(pk=choice.pk).update(votes=F("votes") + 1)
        request.session["voted"] = [*voted, choice.poll_id][-MEMORY:]
    return redirect("/")
