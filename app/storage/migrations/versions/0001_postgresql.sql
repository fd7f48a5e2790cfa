CREATE TABLE accounts ( account_id VARCHAR COLLATE "C" NOT NULL, name TEXT COLLATE "C" NOT NULL, roles TEXT COLLATE "C" NOT NULL, customers TEXT COLLATE "C", subject TEXT COLLATE "C", created_at TEXT COLLATE "C" NOT NULL, created_by TEXT COLLATE "C", disabled_at TEXT COLLATE "C", CONSTRAINT pk_accounts PRIMARY KEY (account_id), CONSTRAINT uq_accounts_subject UNIQUE (subject) )
COMMENT ON TABLE accounts IS 'People and programs, with what they may do.'
CREATE TABLE audit ( seq BIGINT NOT NULL, at TEXT COLLATE "C" NOT NULL, actor TEXT COLLATE "C" NOT NULL, role TEXT COLLATE "C" NOT NULL, scope TEXT COLLATE "C" NOT NULL, action TEXT COLLATE "C" NOT NULL, object TEXT COLLATE "C" NOT NULL, version_before BIGINT, version_after BIGINT, before TEXT COLLATE "C", after TEXT COLLATE "C", reason_hash TEXT COLLATE "C", releasable_reason TEXT COLLATE "C", idempotency_key TEXT COLLATE "C", client TEXT COLLATE "C", result TEXT COLLATE "C" NOT NULL, prev_hash TEXT COLLATE "C" NOT NULL, hash TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_audit PRIMARY KEY (seq) )
COMMENT ON TABLE audit IS 'Who did what, when: a chain of hashes. Never changed, never shortened.'
CREATE TABLE audit_head ( one INTEGER NOT NULL, seq BIGINT NOT NULL, hash TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_audit_head PRIMARY KEY (one), CONSTRAINT ck_audit_head_is_one CHECK (one = 1) )
COMMENT ON TABLE audit_head IS 'The end of the chain; whoever adds to it holds this row.'
CREATE TABLE audit_texts ( hash VARCHAR COLLATE "C" NOT NULL, salt TEXT COLLATE "C" NOT NULL, text TEXT COLLATE "C", erased_at TEXT COLLATE "C", CONSTRAINT pk_audit_texts PRIMARY KEY (hash) )
COMMENT ON TABLE audit_texts IS 'Reasons, apart from the chain, so that one can be erased by order.'
CREATE TABLE facts ( name VARCHAR COLLATE "C" NOT NULL, value TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_facts PRIMARY KEY (name) )
COMMENT ON TABLE facts IS 'What is true of this database as a whole, such as its own id.'
CREATE TABLE policies ( name VARCHAR COLLATE "C" NOT NULL, version BIGINT NOT NULL, title TEXT COLLATE "C" NOT NULL, sha256 TEXT COLLATE "C" NOT NULL, toml TEXT COLLATE "C" NOT NULL, created_at TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C", CONSTRAINT pk_policies PRIMARY KEY (name, version) )
COMMENT ON TABLE policies IS 'Every version of every policy; nothing is changed, only added.'
CREATE TABLE request_versions ( customer VARCHAR COLLATE "C" NOT NULL, request_id VARCHAR COLLATE "C" NOT NULL, version BIGINT NOT NULL, request_uid TEXT COLLATE "C" NOT NULL, previous BIGINT, state TEXT COLLATE "C" NOT NULL, content TEXT COLLATE "C" NOT NULL, sha256 TEXT COLLATE "C" NOT NULL, at TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_request_versions PRIMARY KEY (customer, request_id, version), CONSTRAINT fk_request_versions_customer_request_id_previous FOREIGN KEY(customer, request_id, previous) REFERENCES request_versions (customer, request_id, version), CONSTRAINT ck_request_versions_no_gap CHECK ((version = 1 AND previous IS NULL) OR previous = version - 1) )
COMMENT ON TABLE request_versions IS 'Every version a request ever had.'
CREATE TABLE api_keys ( key_id VARCHAR COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, hash TEXT COLLATE "C" NOT NULL, created_at TEXT COLLATE "C" NOT NULL, expires_at TEXT COLLATE "C", revoked_at TEXT COLLATE "C", last_used_on TEXT COLLATE "C", CONSTRAINT pk_api_keys PRIMARY KEY (key_id), CONSTRAINT fk_api_keys_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id) )
COMMENT ON TABLE api_keys IS 'API keys; the key itself is shown once and not kept.'
CREATE TABLE batches ( batch_id VARCHAR COLLATE "C" NOT NULL, customer TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, created_at TEXT COLLATE "C" NOT NULL, label TEXT COLLATE "C", format TEXT COLLATE "C" NOT NULL, sha256 TEXT COLLATE "C" NOT NULL, stored BIGINT NOT NULL, unchanged BIGINT NOT NULL, refused BIGINT NOT NULL, extra_columns TEXT COLLATE "C" NOT NULL, rows_sha256 TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_batches PRIMARY KEY (batch_id), CONSTRAINT fk_batches_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id) )
COMMENT ON TABLE batches IS 'What was sent at once, and what became of it.'
CREATE TABLE idempotency ( account_id VARCHAR COLLATE "C" NOT NULL, key VARCHAR COLLATE "C" NOT NULL, call TEXT COLLATE "C" NOT NULL, body_sha256 TEXT COLLATE "C" NOT NULL, at TEXT COLLATE "C" NOT NULL, status INTEGER, headers TEXT COLLATE "C", body TEXT COLLATE "C", CONSTRAINT pk_idempotency PRIMARY KEY (account_id, key), CONSTRAINT fk_idempotency_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id) )
COMMENT ON TABLE idempotency IS 'The first answer to a call with a key, kept as long as what it made.'
CREATE TABLE proposals ( proposal_id VARCHAR COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, created_at TEXT COLLATE "C" NOT NULL, finished_at TEXT COLLATE "C", state TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL, policy_name TEXT COLLATE "C" NOT NULL, policy_version BIGINT NOT NULL, as_of TEXT COLLATE "C" NOT NULL, time_limit_s BIGINT NOT NULL, gap_wanted TEXT COLLATE "C" NOT NULL, scope TEXT COLLATE "C" NOT NULL, rulings TEXT COLLATE "C" NOT NULL, parent_id TEXT COLLATE "C", superseded_by TEXT COLLATE "C", requests BIGINT NOT NULL, customers TEXT COLLATE "C" NOT NULL, asked_sha256 TEXT COLLATE "C" NOT NULL, stop_asked_at TEXT COLLATE "C", attempts BIGINT DEFAULT '0' NOT NULL, failure TEXT COLLATE "C", failure_code TEXT COLLATE "C", clusters BIGINT, clusters_done BIGINT, incumbent BIGINT, bound BIGINT, heading TEXT COLLATE "C", changes TEXT COLLATE "C", CONSTRAINT pk_proposals PRIMARY KEY (proposal_id), CONSTRAINT ck_proposals_failure_code_known CHECK (failure_code IN ('no_plan', 'solver')), CONSTRAINT fk_proposals_parent_id FOREIGN KEY(parent_id) REFERENCES proposals (proposal_id), CONSTRAINT fk_proposals_policy_name_policy_version FOREIGN KEY(policy_name, policy_version) REFERENCES policies (name, version), CONSTRAINT ck_proposals_state_known CHECK (state IN ('queued', 'solving', 'done', 'failed', 'cancelled')), CONSTRAINT fk_proposals_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id) )
COMMENT ON TABLE proposals IS 'Proposals and how far they have come.'
CREATE TABLE role_grants ( grant_id VARCHAR COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, role TEXT COLLATE "C" NOT NULL, customers TEXT COLLATE "C", asked_at TEXT COLLATE "C" NOT NULL, asked_by TEXT COLLATE "C" NOT NULL, settled_at TEXT COLLATE "C", settled_by TEXT COLLATE "C", outcome TEXT COLLATE "C", CONSTRAINT pk_role_grants PRIMARY KEY (grant_id), CONSTRAINT ck_role_grants_outcome_known CHECK (outcome IN ('confirmed', 'refused', 'replaced')), CONSTRAINT fk_role_grants_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id) )
COMMENT ON TABLE role_grants IS 'Roles that are given once a second admin confirms it.'
CREATE TABLE sessions ( session_hash VARCHAR COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, form_token TEXT COLLATE "C" NOT NULL, address TEXT COLLATE "C", created_at TEXT COLLATE "C" NOT NULL, expires_at TEXT COLLATE "C" NOT NULL, ended_at TEXT COLLATE "C", CONSTRAINT pk_sessions PRIMARY KEY (session_hash), CONSTRAINT fk_sessions_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id) )
COMMENT ON TABLE sessions IS 'Signed-in browsers.'
CREATE TABLE bin_versions ( proposal_id VARCHAR COLLATE "C" NOT NULL, bin_id VARCHAR COLLATE "C" NOT NULL, version BIGINT NOT NULL, previous BIGINT, change TEXT COLLATE "C" NOT NULL, state TEXT COLLATE "C" NOT NULL, members TEXT COLLATE "C" NOT NULL, figures_sha256 TEXT COLLATE "C", at TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_bin_versions PRIMARY KEY (proposal_id, bin_id, version), CONSTRAINT fk_bin_versions_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id), CONSTRAINT ck_bin_versions_no_gap CHECK ((version = 1 AND previous IS NULL) OR previous = version - 1), CONSTRAINT ck_bin_versions_change_known CHECK (change IN ('proposed', 'edited', 'undone', 'decided', 'carried')), CONSTRAINT fk_bin_versions_proposal_id_bin_id_previous FOREIGN KEY(proposal_id, bin_id, previous) REFERENCES bin_versions (proposal_id, bin_id, version) )
COMMENT ON TABLE bin_versions IS 'Every version a bin ever had.'
CREATE TABLE edits ( proposal_id VARCHAR COLLATE "C" NOT NULL, seq INTEGER NOT NULL, version BIGINT NOT NULL, edits TEXT COLLATE "C" NOT NULL, before TEXT COLLATE "C" NOT NULL, after TEXT COLLATE "C" NOT NULL, reason TEXT COLLATE "C", change BIGINT NOT NULL, stated_sha256 TEXT COLLATE "C" NOT NULL, at TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, undoes INTEGER, CONSTRAINT pk_edits PRIMARY KEY (proposal_id, seq), CONSTRAINT fk_edits_proposal_id_undoes FOREIGN KEY(proposal_id, undoes) REFERENCES edits (proposal_id, seq), CONSTRAINT fk_edits_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id), CONSTRAINT fk_edits_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id), CONSTRAINT uq_edits_proposal_id_version UNIQUE (proposal_id, version), CONSTRAINT uq_edits_proposal_id_undoes UNIQUE (proposal_id, undoes) )
COMMENT ON TABLE edits IS 'Edits; only ever added. An undo is an edit that names what it undoes.'
CREATE TABLE proposal_batches ( proposal_id VARCHAR COLLATE "C" NOT NULL, batch_id VARCHAR COLLATE "C" NOT NULL, CONSTRAINT pk_proposal_batches PRIMARY KEY (proposal_id, batch_id), CONSTRAINT fk_proposal_batches_batch_id FOREIGN KEY(batch_id) REFERENCES batches (batch_id), CONSTRAINT fk_proposal_batches_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id) )
COMMENT ON TABLE proposal_batches IS 'The batches a proposal was asked for.'
CREATE TABLE proposal_events ( proposal_id VARCHAR COLLATE "C" NOT NULL, seq INTEGER NOT NULL, at TEXT COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL, data TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_proposal_events PRIMARY KEY (proposal_id, seq), CONSTRAINT fk_proposal_events_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id) )
COMMENT ON TABLE proposal_events IS 'What a client that follows a solve is told.'
CREATE TABLE proposal_requests ( proposal_id VARCHAR COLLATE "C" NOT NULL, label VARCHAR COLLATE "C" NOT NULL, customer TEXT COLLATE "C" NOT NULL, request_id TEXT COLLATE "C" NOT NULL, request_version BIGINT NOT NULL, CONSTRAINT pk_proposal_requests PRIMARY KEY (proposal_id, label), CONSTRAINT fk_proposal_requests_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id), CONSTRAINT fk_proposal_requests_customer_request_id_request_version FOREIGN KEY(customer, request_id, request_version) REFERENCES request_versions (customer, request_id, version), CONSTRAINT uq_proposal_requests_proposal_id_customer_request_id UNIQUE (proposal_id, customer, request_id) )
COMMENT ON TABLE proposal_requests IS 'The requests of a proposal, as they were when it was asked for.'
CREATE TABLE proposal_results ( proposal_id VARCHAR COLLATE "C" NOT NULL, attempt TEXT COLLATE "C" NOT NULL, certificate TEXT COLLATE "C" NOT NULL, stated_sha256 TEXT COLLATE "C" NOT NULL, kept TEXT COLLATE "C" NOT NULL, document TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_proposal_results PRIMARY KEY (proposal_id), CONSTRAINT fk_proposal_results_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id) )
COMMENT ON TABLE proposal_results IS 'The long parts of a proposal''s result, once for each proposal.'
CREATE TABLE requests ( customer VARCHAR COLLATE "C" NOT NULL, request_id VARCHAR COLLATE "C" NOT NULL, request_uid TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, system TEXT COLLATE "C" NOT NULL, region TEXT COLLATE "C" NOT NULL, received_on TEXT COLLATE "C" NOT NULL, needed_by TEXT COLLATE "C", value_cents BIGINT NOT NULL, priority TEXT COLLATE "C" NOT NULL, batch_id TEXT COLLATE "C" NOT NULL, created_at TEXT COLLATE "C" NOT NULL, changed_at TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_requests PRIMARY KEY (customer, request_id), CONSTRAINT uq_requests_request_uid UNIQUE (request_uid), CONSTRAINT fk_requests_batch_id FOREIGN KEY(batch_id) REFERENCES batches (batch_id), CONSTRAINT ck_requests_state_known CHECK (state IN ('open', 'withdrawn')), CONSTRAINT fk_requests_customer_request_id_version FOREIGN KEY(customer, request_id, version) REFERENCES request_versions (customer, request_id, version) DEFERRABLE INITIALLY DEFERRED )
COMMENT ON TABLE requests IS 'Every request in its present version.'
CREATE TABLE batch_requests ( batch_id VARCHAR COLLATE "C" NOT NULL, place BIGINT NOT NULL, customer TEXT COLLATE "C" NOT NULL, request_id TEXT COLLATE "C" NOT NULL, outcome TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_batch_requests PRIMARY KEY (batch_id, place), CONSTRAINT fk_batch_requests_customer_request_id FOREIGN KEY(customer, request_id) REFERENCES requests (customer, request_id), CONSTRAINT ck_batch_requests_outcome_known CHECK (outcome IN ('stored', 'unchanged')), CONSTRAINT fk_batch_requests_batch_id FOREIGN KEY(batch_id) REFERENCES batches (batch_id) )
COMMENT ON TABLE batch_requests IS 'Which requests came in which batch, in the order of its rows.'
CREATE TABLE bins ( proposal_id VARCHAR COLLATE "C" NOT NULL, bin_id VARCHAR COLLATE "C" NOT NULL, place BIGINT NOT NULL, version BIGINT NOT NULL, state TEXT COLLATE "C" NOT NULL, level BIGINT DEFAULT '0' NOT NULL, category TEXT COLLATE "C", systems TEXT COLLATE "C" NOT NULL, customers TEXT COLLATE "C" NOT NULL, regions TEXT COLLATE "C" NOT NULL, size BIGINT NOT NULL, saved BIGINT NOT NULL, value_cents BIGINT NOT NULL, received_on TEXT COLLATE "C" NOT NULL, forecast_on TEXT COLLATE "C" NOT NULL, document TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_bins PRIMARY KEY (proposal_id, bin_id), CONSTRAINT fk_bins_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id), CONSTRAINT ck_bins_level_known CHECK (level BETWEEN 0 AND 3), CONSTRAINT fk_bins_proposal_id_bin_id_version FOREIGN KEY(proposal_id, bin_id, version) REFERENCES bin_versions (proposal_id, bin_id, version) DEFERRABLE INITIALLY DEFERRED, CONSTRAINT ck_bins_state_known CHECK (state IN ('open', 'accepted', 'returned', 'rejected', 'dissolved')) )
COMMENT ON TABLE bins IS 'Every bin in its present version.'
CREATE TABLE decisions ( decision_id VARCHAR COLLATE "C" NOT NULL, proposal_id TEXT COLLATE "C" NOT NULL, bin_id TEXT COLLATE "C" NOT NULL, version BIGINT NOT NULL, decision TEXT COLLATE "C" NOT NULL, reason_code TEXT COLLATE "C", reason TEXT COLLATE "C", releasable_reason TEXT COLLATE "C", at TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_decisions PRIMARY KEY (decision_id), CONSTRAINT fk_decisions_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id), CONSTRAINT uq_decisions_proposal_id_bin_id_version UNIQUE (proposal_id, bin_id, version), CONSTRAINT fk_decisions_proposal_id_bin_id_version FOREIGN KEY(proposal_id, bin_id, version) REFERENCES bin_versions (proposal_id, bin_id, version), CONSTRAINT ck_decisions_decision_known CHECK (decision IN ('accept', 'return', 'reject', 'reopen')) )
COMMENT ON TABLE decisions IS 'Decisions; only ever added. The last one of a bin stands.'
CREATE TABLE bin_members ( proposal_id VARCHAR COLLATE "C" NOT NULL, label VARCHAR COLLATE "C" NOT NULL, bin_id TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_bin_members PRIMARY KEY (proposal_id, label), CONSTRAINT fk_bin_members_proposal_id_bin_id FOREIGN KEY(proposal_id, bin_id) REFERENCES bins (proposal_id, bin_id), CONSTRAINT fk_bin_members_proposal_id_label FOREIGN KEY(proposal_id, label) REFERENCES proposal_requests (proposal_id, label) )
COMMENT ON TABLE bin_members IS 'The one live bin of each request of a proposal.'
CREATE TABLE releases ( release_id VARCHAR COLLATE "C" NOT NULL, proposal_id TEXT COLLATE "C" NOT NULL, bin_id TEXT COLLATE "C" NOT NULL, customer TEXT COLLATE "C" NOT NULL, level BIGINT NOT NULL, shown TEXT COLLATE "C" NOT NULL, consents TEXT COLLATE "C" NOT NULL, at TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, CONSTRAINT pk_releases PRIMARY KEY (release_id), CONSTRAINT fk_releases_proposal_id_bin_id FOREIGN KEY(proposal_id, bin_id) REFERENCES bins (proposal_id, bin_id), CONSTRAINT fk_releases_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id) )
COMMENT ON TABLE releases IS 'What was told to which customer about a bin; only ever added.'
CREATE TABLE reviews ( review_id VARCHAR COLLATE "C" NOT NULL, customer TEXT COLLATE "C" NOT NULL, request_id TEXT COLLATE "C" NOT NULL, proposal_id TEXT COLLATE "C" NOT NULL, bin_id TEXT COLLATE "C" NOT NULL, cause TEXT COLLATE "C" NOT NULL, at TEXT COLLATE "C" NOT NULL, settled_at TEXT COLLATE "C", settled_by TEXT COLLATE "C", CONSTRAINT pk_reviews PRIMARY KEY (review_id), CONSTRAINT fk_reviews_proposal_id_bin_id FOREIGN KEY(proposal_id, bin_id) REFERENCES bins (proposal_id, bin_id), CONSTRAINT ck_reviews_cause_known CHECK (cause IN ('changed', 'withdrawn')), CONSTRAINT fk_reviews_customer_request_id FOREIGN KEY(customer, request_id) REFERENCES requests (customer, request_id) )
COMMENT ON TABLE reviews IS 'Decided bins to look at again, because one of their requests changed.'
CREATE TABLE rulings ( ruling_id VARCHAR COLLATE "C" NOT NULL, kind TEXT COLLATE "C" NOT NULL, proposal_id TEXT COLLATE "C" NOT NULL, edit INTEGER, decision_id TEXT COLLATE "C", at TEXT COLLATE "C" NOT NULL, account_id TEXT COLLATE "C" NOT NULL, ended_at TEXT COLLATE "C", ended_by TEXT COLLATE "C", CONSTRAINT pk_rulings PRIMARY KEY (ruling_id), CONSTRAINT fk_rulings_account_id FOREIGN KEY(account_id) REFERENCES accounts (account_id), CONSTRAINT fk_rulings_proposal_id FOREIGN KEY(proposal_id) REFERENCES proposals (proposal_id), CONSTRAINT fk_rulings_decision_id FOREIGN KEY(decision_id) REFERENCES decisions (decision_id), CONSTRAINT ck_rulings_has_one_source CHECK ((edit IS NULL) <> (decision_id IS NULL)), CONSTRAINT fk_rulings_proposal_id_edit FOREIGN KEY(proposal_id, edit) REFERENCES edits (proposal_id, seq), CONSTRAINT ck_rulings_kind_known CHECK (kind IN ('together', 'apart', 'fixed')) )
COMMENT ON TABLE rulings IS 'Standing rulings: they bind every later solve until they are ended.'
CREATE TABLE ruling_members ( ruling_id VARCHAR COLLATE "C" NOT NULL, customer VARCHAR COLLATE "C" NOT NULL, request_id VARCHAR COLLATE "C" NOT NULL, CONSTRAINT pk_ruling_members PRIMARY KEY (ruling_id, customer, request_id), CONSTRAINT fk_ruling_members_ruling_id FOREIGN KEY(ruling_id) REFERENCES rulings (ruling_id), CONSTRAINT fk_ruling_members_customer_request_id FOREIGN KEY(customer, request_id) REFERENCES requests (customer, request_id) )
COMMENT ON TABLE ruling_members IS 'The requests a ruling is about.'
CREATE INDEX ix_api_keys_account_id ON api_keys (account_id)
CREATE INDEX ix_audit_object ON audit (object)
CREATE INDEX ix_batch_requests_request ON batch_requests (customer, request_id)
CREATE INDEX ix_batches_order ON batches (created_at, batch_id)
CREATE INDEX ix_bin_members_bin ON bin_members (proposal_id, bin_id)
CREATE INDEX ix_bins_place ON bins (proposal_id, place)
CREATE INDEX ix_bins_saved ON bins (proposal_id, saved, place, state, bin_id)
CREATE INDEX ix_bins_standing ON bins (state, forecast_on)
CREATE INDEX ix_bins_state ON bins (proposal_id, state, forecast_on)
CREATE INDEX ix_proposal_requests_request ON proposal_requests (customer, request_id)
CREATE INDEX ix_proposals_order ON proposals (created_at, proposal_id)
CREATE INDEX ix_releases_bin ON releases (proposal_id, bin_id)
CREATE INDEX ix_requests_customer ON requests (customer, created_at, request_id)
CREATE INDEX ix_requests_order ON requests (created_at, customer, request_id)
CREATE INDEX ix_role_grants_account_id ON role_grants (account_id)
CREATE INDEX ix_ruling_members_request ON ruling_members (customer, request_id)
CREATE INDEX ix_rulings_source ON rulings (proposal_id, edit)
CREATE INDEX ix_rulings_standing ON rulings (ended_at)
CREATE INDEX ix_sessions_account_id ON sessions (account_id)
CREATE FUNCTION keep_rows() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'restrict_violation', MESSAGE = 'Rows of ' || TG_TABLE_NAME || ' are ' || TG_ARGV[0] || '.'; END $$
CREATE TRIGGER keep_audit_update BEFORE UPDATE ON audit FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_bin_versions_update BEFORE UPDATE ON bin_versions FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_decisions_update BEFORE UPDATE ON decisions FOR EACH ROW WHEN (NEW.reason IS NOT NULL OR NEW.decision_id IS DISTINCT FROM OLD.decision_id OR NEW.proposal_id IS DISTINCT FROM OLD.proposal_id OR NEW.bin_id IS DISTINCT FROM OLD.bin_id OR NEW.version IS DISTINCT FROM OLD.version OR NEW.decision IS DISTINCT FROM OLD.decision OR NEW.reason_code IS DISTINCT FROM OLD.reason_code OR NEW.releasable_reason IS DISTINCT FROM OLD.releasable_reason OR NEW.at IS DISTINCT FROM OLD.at OR NEW.account_id IS DISTINCT FROM OLD.account_id) EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_edits_update BEFORE UPDATE ON edits FOR EACH ROW WHEN (NEW.reason IS NOT NULL OR NEW.proposal_id IS DISTINCT FROM OLD.proposal_id OR NEW.seq IS DISTINCT FROM OLD.seq OR NEW.version IS DISTINCT FROM OLD.version OR NEW.edits IS DISTINCT FROM OLD.edits OR NEW.before IS DISTINCT FROM OLD.before OR NEW.after IS DISTINCT FROM OLD.after OR NEW.change IS DISTINCT FROM OLD.change OR NEW.stated_sha256 IS DISTINCT FROM OLD.stated_sha256 OR NEW.at IS DISTINCT FROM OLD.at OR NEW.account_id IS DISTINCT FROM OLD.account_id OR NEW.undoes IS DISTINCT FROM OLD.undoes) EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_policies_update BEFORE UPDATE ON policies FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_releases_update BEFORE UPDATE ON releases FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_request_versions_update BEFORE UPDATE ON request_versions FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_audit_delete BEFORE DELETE ON audit FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_audit_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_bin_versions_delete BEFORE DELETE ON bin_versions FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_bin_versions_truncate BEFORE TRUNCATE ON bin_versions FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_decisions_delete BEFORE DELETE ON decisions FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_decisions_truncate BEFORE TRUNCATE ON decisions FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_edits_delete BEFORE DELETE ON edits FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_edits_truncate BEFORE TRUNCATE ON edits FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_policies_delete BEFORE DELETE ON policies FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_policies_truncate BEFORE TRUNCATE ON policies FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_releases_delete BEFORE DELETE ON releases FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_releases_truncate BEFORE TRUNCATE ON releases FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_request_versions_delete BEFORE DELETE ON request_versions FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_request_versions_truncate BEFORE TRUNCATE ON request_versions FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever added')
CREATE TRIGGER keep_audit_texts_update BEFORE UPDATE ON audit_texts FOR EACH ROW WHEN (NEW.hash <> OLD.hash OR NEW.salt <> OLD.salt OR NEW.text IS NOT NULL OR NEW.erased_at IS NULL) EXECUTE FUNCTION keep_rows('only ever erased')
CREATE TRIGGER keep_audit_texts_delete BEFORE DELETE ON audit_texts FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever erased')
CREATE TRIGGER keep_audit_texts_truncate BEFORE TRUNCATE ON audit_texts FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever erased')
CREATE TRIGGER keep_audit_head_update BEFORE UPDATE ON audit_head FOR EACH ROW WHEN (NEW.seq <> OLD.seq + 1) EXECUTE FUNCTION keep_rows('only ever moved on by one')
CREATE TRIGGER keep_audit_head_delete BEFORE DELETE ON audit_head FOR EACH ROW EXECUTE FUNCTION keep_rows('only ever moved on by one')
CREATE TRIGGER keep_audit_head_truncate BEFORE TRUNCATE ON audit_head FOR EACH STATEMENT EXECUTE FUNCTION keep_rows('only ever moved on by one')
CREATE TRIGGER keep_idempotency_update BEFORE UPDATE ON idempotency FOR EACH ROW WHEN (OLD.status IS NOT NULL) EXECUTE FUNCTION keep_rows('only ever filled in once')
CREATE POLICY reach ON batches USING ((SELECT current_setting('allybin.customers', true)) = '*' OR customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')) OR account_id = (SELECT current_setting('allybin.account', true)))
CREATE POLICY reach ON requests USING ((SELECT current_setting('allybin.customers', true)) = '*' OR customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')))
CREATE POLICY reach ON request_versions USING ((SELECT current_setting('allybin.customers', true)) = '*' OR customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')))
CREATE POLICY reach ON batch_requests USING ((SELECT current_setting('allybin.customers', true)) = '*' OR customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')))
CREATE POLICY reach ON proposal_requests USING ((SELECT current_setting('allybin.customers', true)) = '*' OR customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')))
CREATE POLICY reach ON ruling_members USING ((SELECT current_setting('allybin.customers', true)) = '*' OR customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')))
CREATE POLICY reach ON reviews USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = reviews.proposal_id))
CREATE POLICY reach ON releases USING ((SELECT current_setting('allybin.customers', true)) = '*' OR customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')))
CREATE POLICY reach ON proposals USING ((SELECT current_setting('allybin.customers', true)) = '*' OR account_id = (SELECT current_setting('allybin.account', true)) OR customers::jsonb <@ (SELECT to_jsonb(string_to_array(current_setting('allybin.customers', true), ','))))
CREATE POLICY reach ON proposal_batches USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = proposal_batches.proposal_id))
CREATE POLICY reach ON proposal_events USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = proposal_events.proposal_id))
CREATE POLICY reach ON proposal_results USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = proposal_results.proposal_id))
CREATE POLICY reach ON edits USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = edits.proposal_id))
CREATE POLICY reach ON bin_members USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM proposal_requests AS one WHERE one.proposal_id = bin_members.proposal_id AND one.label = bin_members.label) OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = bin_members.proposal_id))
CREATE POLICY reach ON bins USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM bin_members AS one WHERE one.proposal_id = bins.proposal_id AND one.bin_id = bins.bin_id) OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = bins.proposal_id))
CREATE POLICY reach ON bin_versions USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM bins AS one WHERE one.proposal_id = bin_versions.proposal_id AND one.bin_id = bin_versions.bin_id) OR EXISTS (SELECT 1 FROM proposals AS one WHERE one.proposal_id = bin_versions.proposal_id))
CREATE POLICY reach ON decisions USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM bins AS one WHERE one.proposal_id = decisions.proposal_id AND one.bin_id = decisions.bin_id))
CREATE POLICY reach ON rulings USING ((SELECT current_setting('allybin.customers', true)) = '*' OR EXISTS (SELECT 1 FROM ruling_members AS one WHERE one.ruling_id = rulings.ruling_id) OR account_id = (SELECT current_setting('allybin.account', true)))
CREATE POLICY reach ON idempotency USING ((SELECT current_setting('allybin.customers', true)) = '*' OR account_id = (SELECT current_setting('allybin.account', true)))
CREATE POLICY add ON reviews FOR INSERT WITH CHECK (customer = ANY (string_to_array((SELECT current_setting('allybin.customers', true)), ',')))
CREATE POLICY reach ON audit USING ((SELECT current_setting('allybin.customers', true)) = '*')
CREATE POLICY add ON audit FOR INSERT WITH CHECK (true)
CREATE POLICY reach ON audit_texts USING ((SELECT current_setting('allybin.customers', true)) = '*')
CREATE POLICY add ON audit_texts FOR INSERT WITH CHECK (true)
ALTER TABLE batches ENABLE ROW LEVEL SECURITY
ALTER TABLE batches FORCE ROW LEVEL SECURITY
ALTER TABLE requests ENABLE ROW LEVEL SECURITY
ALTER TABLE requests FORCE ROW LEVEL SECURITY
ALTER TABLE request_versions ENABLE ROW LEVEL SECURITY
ALTER TABLE request_versions FORCE ROW LEVEL SECURITY
ALTER TABLE batch_requests ENABLE ROW LEVEL SECURITY
ALTER TABLE batch_requests FORCE ROW LEVEL SECURITY
ALTER TABLE proposal_requests ENABLE ROW LEVEL SECURITY
ALTER TABLE proposal_requests FORCE ROW LEVEL SECURITY
ALTER TABLE ruling_members ENABLE ROW LEVEL SECURITY
ALTER TABLE ruling_members FORCE ROW LEVEL SECURITY
ALTER TABLE reviews ENABLE ROW LEVEL SECURITY
ALTER TABLE reviews FORCE ROW LEVEL SECURITY
ALTER TABLE releases ENABLE ROW LEVEL SECURITY
ALTER TABLE releases FORCE ROW LEVEL SECURITY
ALTER TABLE proposals ENABLE ROW LEVEL SECURITY
ALTER TABLE proposals FORCE ROW LEVEL SECURITY
ALTER TABLE proposal_batches ENABLE ROW LEVEL SECURITY
ALTER TABLE proposal_batches FORCE ROW LEVEL SECURITY
ALTER TABLE proposal_events ENABLE ROW LEVEL SECURITY
ALTER TABLE proposal_events FORCE ROW LEVEL SECURITY
ALTER TABLE proposal_results ENABLE ROW LEVEL SECURITY
ALTER TABLE proposal_results FORCE ROW LEVEL SECURITY
ALTER TABLE edits ENABLE ROW LEVEL SECURITY
ALTER TABLE edits FORCE ROW LEVEL SECURITY
ALTER TABLE bin_members ENABLE ROW LEVEL SECURITY
ALTER TABLE bin_members FORCE ROW LEVEL SECURITY
ALTER TABLE bins ENABLE ROW LEVEL SECURITY
ALTER TABLE bins FORCE ROW LEVEL SECURITY
ALTER TABLE bin_versions ENABLE ROW LEVEL SECURITY
ALTER TABLE bin_versions FORCE ROW LEVEL SECURITY
ALTER TABLE decisions ENABLE ROW LEVEL SECURITY
ALTER TABLE decisions FORCE ROW LEVEL SECURITY
ALTER TABLE rulings ENABLE ROW LEVEL SECURITY
ALTER TABLE rulings FORCE ROW LEVEL SECURITY
ALTER TABLE idempotency ENABLE ROW LEVEL SECURITY
ALTER TABLE idempotency FORCE ROW LEVEL SECURITY
ALTER TABLE audit ENABLE ROW LEVEL SECURITY
ALTER TABLE audit FORCE ROW LEVEL SECURITY
ALTER TABLE audit_texts ENABLE ROW LEVEL SECURITY
ALTER TABLE audit_texts FORCE ROW LEVEL SECURITY
