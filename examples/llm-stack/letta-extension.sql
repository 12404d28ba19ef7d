-- Letta stores vectors; the image brings the extension, but does not turn it on.
CREATE EXTENSION IF NOT EXISTS vector;
