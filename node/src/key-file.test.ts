import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { fromHex } from '@hawser/primitives'
import { readKeyFile, writeKeyFile } from './key-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'hawser-keys-'))
afterAll(() => rmSync(folder, { recursive: true }))
const secret = fromHex('7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d')

describe('key files', () => {
  it('come back with the right password alone, and are their owner’s alone', () => {
    const path = join(folder, 'session.json')
    writeKeyFile(path, secret, 'correct horse')
    expect(readKeyFile(path, 'correct horse')).toEqual(secret)
    expect(() => readKeyFile(path, 'wrong horse')).toThrow('not opened by this password')
    expect(() => readKeyFile(path)).toThrow('--password-file')
    expect(statSync(path).mode & 0o077).toBe(0)
  })

  it('open the scrypt test vector of the Web3 Secret Storage definition', () => {
    const path = join(folder, 'vector.json')
    writeFileSync(
      path,
      JSON.stringify({
        crypto: {
          cipher: 'aes-128-ctr',
          cipherparams: { iv: '83dbcc02d8ccb40e466191a123791e0e' },
          ciphertext: 'd172bf743a674da9cdad04534d56926ef8358534d458fffccd4e6ad2fbde479c',
          kdf: 'scrypt',
          kdfparams: {
            dklen: 32,
            n: 262144,
            p: 8,
            r: 1,
            salt: 'ab0c7876052600dd703518d6fc3fe8984592145b591fc8fb5c6d43190334ba19',
          },
          mac: '2103ac29920d71da29f15d75b4a16dbe95cfd7ff8faea1056c33131d846e3097',
        },
        id: '3198bc9c-6672-5ab3-d995-4942343ae5b6',
        version: 3,
      }),
    )
    expect(readKeyFile(path, 'testpassword')).toEqual(secret)
  })

  it('never overwrite one another', () => {
    const path = join(folder, 'plain.json')
    writeKeyFile(path, secret)
    expect(() => writeKeyFile(path, secret)).toThrow('EEXIST')
    expect(readKeyFile(path)).toEqual(secret)
  })

  it('are refused when they are something else', () => {
    const path = join(folder, 'other.json')
    writeFileSync(path, '{"hello":1}')
    expect(() => readKeyFile(path)).toThrow('is no Web3 keystore')
    expect(() => readKeyFile(join(folder, 'missing.json'))).toThrow('cannot be read')
  })
})
