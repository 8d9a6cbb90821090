"""Whether the wall between tenants stands in a database, and what mends it (migration 0016). Reads only.

A dump that was restored without its roles, or an administrator's hand, may leave a table whose rows every tenant's
questions see. Nothing else would say so: all goes on working.
"""

from typing import Final, TypeAlias

from psycopg import Connection
from psycopg.errors import InsufficientPrivilege, InvalidParameterValue
from psycopg.rows import TupleRow

from penstock.runtime.postgres import connect
from penstock.runtime.postgres_tenants import ROLE
from penstock.runtime.settings import Settings

# What is wrong, and the statement that mends it.
Hole: TypeAlias = tuple[str, str]

_OWN: Final = "tenant = current_setting('penstock.tenant', true)"
# As Postgres writes it back.
_KEPT: Final = "(tenant = current_setting('penstock.tenant'::text, true))"
# What the role may read and what names a tenant; of tables, the rules by which rows are shown to the role.
_READABLE: Final = """
SELECT format('%%I.%%I', n.nspname, c.relname), c.relkind = 'v', c.relrowsecurity,
       coalesce('security_invoker=true' = ANY(c.reloptions), false),
       (SELECT count(*) FROM pg_policy AS p WHERE p.polrelid = c.oid AND %(kept)s = pg_get_expr(p.polqual, c.oid)
            AND p.polroles = ARRAY[r.oid]),
       ARRAY(SELECT quote_ident(p.polname) FROM pg_policy AS p WHERE p.polrelid = c.oid AND p.polpermissive
            AND p.polcmd IN ('r', '*') AND p.polroles && ARRAY[r.oid, 0::oid]
            AND %(kept)s IS DISTINCT FROM pg_get_expr(p.polqual, c.oid))
FROM pg_roles AS r, pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant' AND NOT a.attisdropped
WHERE r.rolname = %(role)s AND n.nspname IN ('views', 'penstock') AND c.relkind IN ('r', 'v')
  AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
ORDER BY 1
"""


def role_refused(settings: Settings) -> Hole | None:
    """Why the API can't ask as a tenant; None where it can."""
    with connect(settings, application_name="penstock.doctor") as connection:
        try:
            connection.execute(f"SET ROLE {ROLE}".encode())
            connection.execute("SELECT FROM views.run LIMIT 1")
        except InvalidParameterValue:
            return f"the role {ROLE} isn't there", f"CREATE ROLE {ROLE} NOLOGIN"
        except InsufficientPrivilege as error:
            user = connection.info.user.replace('"', '""')
            return str(error).partition("\n")[0], f'GRANT {ROLE} TO "{user}"'
    return None


def holes(settings: Settings) -> tuple[Hole, ...]:
    """Where the wall would let a tenant's question see another's rows, or none of its own."""
    with connect(settings, application_name="penstock.doctor") as connection:
        return tuple([*_of_the_role(connection), *holes_of(connection)])


def holes_of(connection: Connection[TupleRow]) -> list[Hole]:
    """Those in the tables and views that tenants' questions may read."""
    found: list[Hole] = []
    for name, is_view, walled, as_reader, kept, others in connection.execute(
        _READABLE, {"role": ROLE, "kept": _KEPT}
    ):
        if is_view and not as_reader:
            found.append(
                (f"{name} looks with its owner's eyes", f"ALTER VIEW {name} SET (security_invoker = true)")
            )
        if is_view:
            continue
        if not walled:
            found.append(
                (f"{name} has its row security off", f"ALTER TABLE {name} ENABLE ROW LEVEL SECURITY")
            )
        if not kept:
            statement = f"CREATE POLICY own_rows ON {name} FOR SELECT TO {ROLE} USING ({_OWN})"
            found.append((f"{name} has no policy that shows a tenant its rows", statement))
        found += [
            (f"the policy {other} shows rows of {name} to others", f"DROP POLICY {other} ON {name}")
            for other in others
        ]
    return found


def _of_the_role(connection: Connection[TupleRow]) -> list[Hole]:
    row = connection.execute(
        "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = %s", (ROLE,)
    ).fetchone()
    if row != (True,):
        return []
    return [(f"the role {ROLE} is under no policy", f"ALTER ROLE {ROLE} NOSUPERUSER NOBYPASSRLS")]
