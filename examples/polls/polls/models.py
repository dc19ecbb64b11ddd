from django.db import models


class Poll(models.Model):
    """A question, and who asked it."""

    question = models.CharField(max_length=200)
    author = models.CharField(max_length=80)
    asked = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]


class Choice(models.Model):
    """An answer, and how many chose it."""

    poll = models.ForeignKey(Poll, on_delete=models.CASCADE, related_name="choices")
    text = models.CharField(max_length=100)
    votes = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ["id"]
