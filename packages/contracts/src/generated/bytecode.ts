// Written by scripts/compile.mjs; do not edit.
export {}
