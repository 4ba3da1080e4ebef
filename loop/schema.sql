-- One run. Column names are the fields of the records in models/; tuples are stored as JSON.
create table setting (name text primary key, value text not null);

create table example (
    id text primary key, text text not null, origin text not null, label text
);
create table completion (
    key text primary key, model text not null, round integer not null, stage text not null, arm text not null,
    request text not null, reply text not null,
    tokens_in integer not null, tokens_out integer not null, seconds real not null, arrived_at text not null
);
-- All that a sum over the calls needs, without their texts.
create index spent on completion (round, arm, model, tokens_in, tokens_out, seconds);
-- What was sent and has not come back: in flight, or lost. Tokens are the most that it may have cost.
create table reservation (
    id integer primary key, key text not null, model text not null, round integer not null, stage text not null,
    arm text not null, tokens_in integer not null, tokens_out integer not null, sent_at text not null
);
create table rest (
    round integer not null, stage text not null, arm text not null, cap text not null,
    primary key (round, stage, arm)
);
create table region (
    round integer not null, "index" integer not null, members text not null, classes text not null,
    uncertainty real not null, centroid text not null, primary key (round, "index")
);
create table queried (
    round integer not null, example text not null, purpose text not null, score real not null,
    primary key (round, example)
);
create table candidate (
    id text not null, text text not null, round integer not null, region integer not null, intended text not null,
    request text not null, model text not null, parents text not null,
    primary key (request, id)
);
create table rejection (
    round integer not null, source text not null, key text not null, reason text not null,
    primary key (source, key)
);
create table quality (
    round integer primary key, kept integer not null, hits text not null, coverage real not null,
    distinct_2 real not null, spread real not null, vendi real not null, apart real
);
create table suggestion (
    example text not null, round integer not null, model text not null, label text not null,
    confidence real not null, shares text not null, parents text not null, primary key (example, round, model)
);
create table task (
    uid text primary key, example text not null, text text not null, round integer not null, kind text not null,
    priority real not null, suggestion text, confidence real, reason text not null, people integer not null,
    suggester text not null
);
create table verdict (
    task text not null references task (uid), outcome text not null, label text, annotator text not null,
    revision text not null, seconds real not null, origin text not null, primary key (task, annotator, revision)
);
create table doubt (
    round integer not null, example text not null, label text not null, likely text not null, probability real not null,
    primary key (round, example)
);
create table evaluation (
    round integer primary key, human_labels integer not null, accuracy real not null, low real not null,
    high real not null, macro_f1 real not null, macro_f1_low real not null, macro_f1_high real not null
);
create table answers (
    round integer primary key, examples text not null, labels text not null
);
create table holdout_answers (
    round integer primary key, examples text not null, labels text not null
);
create table worth (
    round integer not null, source text not null, worth real not null, low real not null, high real not null,
    primary key (round, source)
);
create table trust (
    round integer not null, source text not null, weight real not null, worth real not null, low real not null,
    high real not null, examples integer not null, primary key (round, source)
);
create table permission (
    round integer not null, label text not null, above real not null, audited integer not null,
    "right" integer not null, unseen integer not null, low real not null, primary key (round, label)
);
create table stage (
    round integer not null, name text not null, seconds real not null, done_at text not null,
    primary key (round, name)
);
