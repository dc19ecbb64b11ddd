from django.core.management.base import BaseCommand

from polls.models import Poll


class Command(BaseCommand):
    help = "Print how many polls there are."

    def handle(self, *args, **options):
        self.stdout.write(str(Poll.objects.count()))
