'use strict';
// All pages work without this file; only the live list needs it.
