-- What becomes of published indicators. `published`: 0 not yet, 1 stands in the collection of its label, 2 is to be taken back from there.
CREATE INDEX indicator_to_publish ON indicator (number) WHERE state = 'approved' AND published = 0;
CREATE INDEX indicator_to_take_back ON indicator (number) WHERE published = 2;
CREATE TRIGGER indicator_is_to_be_taken_back AFTER UPDATE OF state, tlp ON indicator
WHEN OLD.published = 1 AND (NEW.state <> 'approved' OR NEW.tlp > OLD.tlp)
BEGIN UPDATE indicator SET published = 2 WHERE number = NEW.number; END;
