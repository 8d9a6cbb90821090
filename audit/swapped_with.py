"""What a table of the views has beside its rows, so that another can take its place: rights, triggers, views on it.

Reads Postgres's catalogue, and gives statements. Names in them that have no schema are looked up in the shadow first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, LiteralString

from psycopg import Connection, sql
from psycopg.rows import TupleRow, class_row

from penstock.audit.shadow import BEFORE, Statement, search, verbatim

_TABLE: Final = """
SELECT pg_get_userbyid(relowner), relowner = current_user::regrole, relrowsecurity, relforcerowsecurity
FROM pg_class WHERE oid = %s::regclass"""
_POLICIES: Final = """
SELECT p.polname, p.polpermissive, p.polcmd::text, ARRAY(SELECT coalesce(r.rolname::text, '')
         FROM unnest(p.polroles) AS each LEFT JOIN pg_roles AS r ON r.oid = each),
       pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)
FROM pg_policy AS p WHERE p.polrelid = %s::regclass ORDER BY p.polname"""
_GRANTS: Final = """
SELECT g.privilege_type, g.column_name, coalesce(r.rolname::text, ''), g.is_grantable
FROM (SELECT a.*, NULL::text AS column_name, c.relowner FROM pg_class AS c, aclexplode(c.relacl) AS a
      WHERE c.oid = %(table)s::regclass
      UNION ALL
      SELECT a.*, t.attname::text, c.relowner FROM pg_attribute AS t JOIN pg_class AS c ON c.oid = t.attrelid,
             aclexplode(t.attacl) AS a WHERE c.oid = %(table)s::regclass) AS g
LEFT JOIN pg_roles AS r ON r.oid = g.grantee WHERE g.grantee <> g.relowner ORDER BY 3, 2, 1"""
_TRIGGERS: Final = """
SELECT tgname, pg_get_triggerdef(oid, true), tgenabled::text FROM pg_trigger
WHERE tgrelid = %s::regclass AND NOT tgisinternal ORDER BY tgname"""
# Views that name one of the tables themselves; who stands on such a view notices nothing.
_VIEWS: Final = """
SELECT DISTINCT n.nspname::text AS schema, v.relname::text AS name, v.reloptions AS options,
       pg_get_viewdef(v.oid) AS definition
FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = v.relnamespace
WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_class'::regclass AND v.relkind = 'v'
  AND d.refobjid = ANY(%s::regclass[])"""
_IN_THE_WAY: Final = """
SELECT DISTINCT pg_describe_object(d.classid, d.objid, 0)
FROM pg_depend AS d LEFT JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
LEFT JOIN pg_class AS v ON v.oid = r.ev_class
LEFT JOIN pg_constraint AS f ON d.classid = 'pg_constraint'::regclass AND f.oid = d.objid
WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY(%(tables)s::regclass[])
  AND (d.classid IN ('pg_proc'::regclass, 'pg_publication_rel'::regclass) OR f.contype = 'f'
       OR v.relkind = 'm' OR v.relkind = 'v' AND NOT pg_has_role(v.relowner, 'USAGE')) ORDER BY 1"""
_COMMANDS: Final = {"r": "SELECT", "a": "INSERT", "w": "UPDATE", "d": "DELETE", "*": "ALL"}
_ENABLED: Final = {"D": "DISABLE", "R": "ENABLE REPLICA", "A": "ENABLE ALWAYS"}


@dataclass(frozen=True, slots=True)
class SqlView:
    """A view in SQL, as the catalogue says it with the views on the search path."""

    schema: str
    name: str
    options: Sequence[str] | None
    definition: str

    def again(self) -> sql.Composed:
        """The same view, on the tables that are found now; its name, its rights and what stands on it stay."""
        pairs = (option.partition("=") for option in self.options or ())
        told = [sql.SQL("{} = {}").format(sql.Identifier(key), sql.Literal(to)) for key, _, to in pairs]
        options = sql.SQL(" WITH ({})").format(sql.SQL(", ").join(told)) if told else sql.SQL("")
        return sql.SQL("CREATE OR REPLACE VIEW {}{} AS {}").format(
            sql.Identifier(self.schema, self.name), options, verbatim(self.definition.rstrip(" ;"))
        )


def views_on(connection: Connection[TupleRow], schema: str, names: Sequence[str]) -> list[SqlView]:
    """The SQL views that name one of these tables, in whatever schema; not those that look at replaced tables."""
    connection.execute(search(schema))
    with connection.cursor(row_factory=class_row(SqlView)) as cursor:
        found = cursor.execute(_VIEWS, (_qualified(schema, names),)).fetchall()
    return [view for view in found if not view.schema.startswith(BEFORE)]


def in_the_way(connection: Connection[TupleRow], schema: str, names: Sequence[str]) -> list[str]:
    """What stands on these tables and can't be put on others: materialized views, publications, foreign keys, functions
    in standard SQL, views of an owner that we may not act as."""
    connection.execute(search(schema))
    rows = connection.execute(_IN_THE_WAY, {"tables": _qualified(schema, names)}).fetchall()
    return [str(described) for (described,) in rows]


def rights(connection: Connection[TupleRow], schema: str, shadow: str, name: str) -> Iterator[Statement]:
    """What gives the shadow's table the owner, policies, grants and triggers of the other schema's."""
    own = sql.Identifier(shadow, name)
    (owner, is_me, secured, forced) = _asked(connection, schema, _TABLE, name)[0]
    if secured:
        yield sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(own)
    if forced:
        yield sql.SQL("ALTER TABLE {} FORCE ROW LEVEL SECURITY").format(own)
    for policy in _asked(connection, schema, _POLICIES, name):
        yield _policy(own, *policy)
    for privilege, column, role, grantable in connection.execute(
        _GRANTS, {"table": f'"{schema}"."{name}"'}
    ).fetchall():
        of = sql.SQL(" ({})").format(sql.Identifier(column)) if column else sql.SQL("")
        may_grant = sql.SQL(" WITH GRANT OPTION" if grantable else "")
        yield sql.SQL("GRANT {}{} ON {} TO {}{}").format(verbatim(privilege), of, own, _role(role), may_grant)
    triggers = _asked(connection, schema, _TRIGGERS, name)
    yield search(shadow, schema)
    for trigger, definition, enabled in triggers:
        yield verbatim(definition)
        if enabled in _ENABLED:
            yield sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(
                own, verbatim(_ENABLED[enabled]), sql.Identifier(trigger)
            )
    if not is_me:
        yield sql.SQL("ALTER TABLE {} OWNER TO {}").format(own, sql.Identifier(owner))


def _policy(
    own: sql.Identifier,
    name: str,
    permissive: bool,
    command: str,
    roles: Sequence[str],
    using: str | None,
    check: str | None,
) -> sql.Composed:
    made = sql.SQL("CREATE POLICY {} ON {} AS {} FOR {} TO {}").format(
        sql.Identifier(name),
        own,
        sql.SQL("PERMISSIVE" if permissive else "RESTRICTIVE"),
        verbatim(_COMMANDS[command]),
        sql.SQL(", ").join(map(_role, roles)),
    )
    if using is not None:
        made += sql.SQL(" USING ({})").format(verbatim(using))
    if check is not None:
        made += sql.SQL(" WITH CHECK ({})").format(verbatim(check))
    return made


def _role(name: str) -> sql.Composable:
    return sql.Identifier(name) if name else sql.SQL("PUBLIC")


def _qualified(schema: str, names: Sequence[str]) -> list[str]:
    return [f'"{schema}"."{name}"' for name in names]


def _asked(connection: Connection[TupleRow], schema: str, select: LiteralString, name: str) -> list[TupleRow]:
    connection.execute(search(schema))
    return connection.execute(select, _qualified(schema, [name])).fetchall()
