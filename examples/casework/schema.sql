-- The bank's own systems, as far as the blueprint needs them. None of this belongs to Penstock: it is the
-- world that tools act on, and it knows nothing of runs. Applied as a whole, any number of times.

create schema if not exists casework;

-- Cases. `facts` is what intake filled in; the rest is what updates made of it. `credited_cents` adds up, so
-- an update made twice is money paid twice.
create table if not exists casework.cases (
    case_id        text primary key,
    facts          jsonb not null,
    content_hash   text not null,
    status         text not null default 'open',
    credited_cents bigint not null default 0,
    updates        integer not null default 0
);

-- Letters sent. The key makes sending idempotent: a repeat finds the letter there.
create table if not exists casework.notices (
    notice_key text primary key,
    case_id    text not null references casework.cases,
    kind       text not null,
    letter     text not null,
    sent_at    timestamptz not null default clock_timestamp()
);

-- The target's own journal: one row an execution, in the transaction of its effect. Deliberately not unique by
-- call_key: an effect that took place twice must show as two rows.
create table if not exists casework.execution (
    nonce       uuid primary key default gen_random_uuid(),
    call_key    text not null,
    attempt     integer not null,
    tool        text not null,
    arguments   jsonb not null,
    executed_at timestamptz not null default clock_timestamp()
);
create index if not exists execution_call_key on casework.execution (call_key);

-- Calls that must never happen any more: an update under such a key, as this attempt or an earlier one, is
-- declined. A later attempt of the same call may still be made.
create table if not exists casework.voided (
    call_key  text not null,
    attempt   integer not null,
    voided_at timestamptz not null default clock_timestamp(),
    primary key (call_key, attempt)
);

create or replace function casework.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '% is append-only', tg_table_name;
end $$;

create or replace trigger execution_is_append_only
    before update or delete or truncate on casework.execution
    for each statement execute function casework.refuse_change();

create or replace trigger voided_is_append_only
    before update or delete or truncate on casework.voided
    for each statement execute function casework.refuse_change();

-- The policy index. Each version stays, so that an old citation can be followed; one is current.
create table if not exists casework.policy_version (
    version   text primary key,
    current   boolean not null,
    loaded_at timestamptz not null default clock_timestamp()
);
create unique index if not exists policy_one_current on casework.policy_version (current) where current;

create table if not exists casework.policy_paragraph (
    version         text not null references casework.policy_version,
    id              text not null,
    position        integer not null,
    text            text not null,
    title           text not null,
    effective_date  date not null,
    section_version text not null,
    lexemes         tsvector not null,
    primary key (version, id)
);
create index if not exists policy_paragraph_lexemes on casework.policy_paragraph using gin (lexemes);

-- How telling a word is in a version of the policy: Postgres ranks by occurrence, not by rarity.
create table if not exists casework.policy_word (
    version text not null references casework.policy_version,
    lexeme  text not null,
    weight  real not null,
    primary key (version, lexeme)
);
