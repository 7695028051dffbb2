-- What SQLite has by nature: the smaller and the larger of two numbers under the names of the aggregates.
CREATE FUNCTION min(BIGINT, BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT least($1, $2)';
CREATE FUNCTION max(BIGINT, BIGINT) RETURNS BIGINT LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT greatest($1, $2)';

-- The triggers of the migrations.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0]; END $$;

CREATE TRIGGER audit_is_not_rewritten BEFORE UPDATE OR TRUNCATE ON audit
    EXECUTE FUNCTION refuse('the audit trail is not rewritten');
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse('the audit trail is not deleted');
CREATE TRIGGER audit_is_chained BEFORE INSERT ON audit
    FOR EACH ROW WHEN (NEW.digest IS NULL OR length(NEW.digest) <> 32)
    EXECUTE FUNCTION refuse('a line of the audit trail needs its digest');

CREATE TRIGGER sharing_register_is_not_rewritten BEFORE UPDATE OR TRUNCATE ON sharing_register
    EXECUTE FUNCTION refuse('the sharing register is not rewritten');
CREATE TRIGGER sharing_register_is_not_deleted BEFORE DELETE ON sharing_register
    FOR EACH ROW EXECUTE FUNCTION refuse('the sharing register is not deleted');

CREATE FUNCTION take_back() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.published := 2; RETURN NEW; END $$;
CREATE TRIGGER indicator_is_to_be_taken_back BEFORE UPDATE OF state, tlp ON indicator
    FOR EACH ROW WHEN (OLD.published = 1 AND (NEW.state <> 'approved' OR NEW.tlp > OLD.tlp))
    EXECUTE FUNCTION take_back();
