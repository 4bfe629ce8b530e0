"""Celery's prefork pool: the application is loaded, and has a token, before the workers fork."""

USERS = [f"user{number}" for number in range(12)]


def test_every_user_is_given_their_own_token(celery, token_server):
    worker = celery("celery_app", 2)
    for task in ("token", "token-of-a-loop"):
        results = [worker.send_task(task, [user]) for user in USERS]
        answers = [result.get(timeout=30, interval=0.05) for result in results]
        assert [token.partition(".")[0] for _, token in answers] == USERS
