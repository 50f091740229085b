import LAM

// Nothing is wrong here: the comment is. A test that accepts this file accepts everything.
let one = 1 // expected-error {{consumed}}
