"""The application that workers load: `penstock.examples.casework.app:application`."""

from penstock.declare.application import Application
from penstock.examples.casework.tools import (
    letters_that_refuse_nothing,
    notify_consumer,
    read_case,
    recommend,
    retrieve_policy,
    update_case_status,
)
from penstock.examples.casework.workflow import case_review

application = Application(
    "casework",
    workflows=(case_review,),
    tools=(read_case, retrieve_policy, recommend, update_case_status, notify_consumer),
    rules=(letters_that_refuse_nothing,),
)
