// Never run: the same as a CommonJS module.

import modelwire = require('modelwire')

const asked: Promise<modelwire.Response> = modelwire.completions('openai', {}, {})
void asked
