//! A file for each part of the API, mirroring `/v1`.

mod openapi;
