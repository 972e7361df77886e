import { describe, expect, it } from 'vitest'
import { describeAudit } from './commands/audit-command.ts'
import { describeDeposit } from './commands/deposit-commands.ts'
import { statusLine } from './devnet-status.ts'
import { btc, columns, weiAsBtc, weiAsSats } from './format.ts'
import { Output } from './output.ts'
import { describeError } from './program.ts'
import { AppError } from '@hawser/primitives'

/** Two streams that remember what was written. */
function streams(isTTY: boolean) {
  const written = { out: '', err: '' }
  return {
    written,
    stdout: { isTTY, write: (text: string) => (written.out += text) },
    stderr: { isTTY, write: (text: string) => (written.err += text) },
  }
}

describe('Output', () => {
  it('prints one JSON document and nothing else for scripts', () => {
    const { written, ...to } = streams(true)
    const output = new Output({ json: true, ...to })
    output.progress('working')
    output.line('beside')
    output.result({ sats: 5n }, 'five')
    expect(JSON.parse(written.out)).toEqual({ sats: '5' })
    expect(written.err).toBe('')
  })
  it('shows progress on a terminal alone, and wipes it before the result', () => {
    const terminal = streams(true)
    const shown = new Output({ ...terminal })
    shown.progress('working')
    shown.result(1, 'one')
    expect(terminal.written).toEqual({ out: 'one\n', err: '\r\x1b[2Kworking\r\x1b[2K' })
    const pipe = streams(false)
    new Output({ ...pipe }).progress('working')
    expect(pipe.written.err).toBe('')
  })
  it('cuts progress to the width of the terminal, and not at all when the width is unknown', () => {
    const shownAt = (columns: number) => {
      const { written, stdout, stderr } = streams(true)
      new Output({ stdout, stderr: { ...stderr, columns } }).progress('0123456789')
      return written.err
    }
    expect(shownAt(6)).toBe('\r\x1b[2K0123…')
    expect(shownAt(0)).toBe('\r\x1b[2K0123456789')
  })
  it('says results alone when quiet', () => {
    const { written, ...to } = streams(true)
    const output = new Output({ quiet: true, ...to })
    output.line('beside')
    output.progress('working')
    output.result(1, ['one', 'line'])
    expect(written).toEqual({ out: 'one\nline\n', err: '' })
  })
})

describe('describeError', () => {
  it('picks what a process said itself out of the end of its log', () => {
    const died = new AppError(
      { code: 'DEVNET_PROCESS_DIED', fault: 'local' },
      'validator 0 ended at its start:\n{"level":30}\nhawser: the database is foreign; choose another\n',
    )
    expect(describeError(died, '').message).toBe(
      'validator 0 ended at its start: the database is foreign; choose another',
    )
  })
  it('adds what to do where an error does not say it', () => {
    const wrong = new AppError({ code: 'BTC_HASH_INVALID', fault: 'user' }, 'not a Bitcoin hash: zz')
    expect(describeError(wrong, '').message).toBe('not a Bitcoin hash: zz; copy the transaction id again, without 0x')
  })
})

describe('formats', () => {
  it('show amounts without losing anything', () => {
    expect(btc(546n)).toBe('0.00000546 BTC')
    expect(btc('1000000000')).toBe('10 BTC')
    expect(weiAsSats(21_000_000_000n)).toBe('2.1 sat')
    expect(weiAsSats(10_000_000_000n)).toBe('1 sat')
    expect(weiAsBtc(1n)).toBe('0.000000000000000001 BTC')
    expect(weiAsBtc(10n ** 18n)).toBe('1 BTC')
  })
  it('align columns', () => {
    expect(
      columns(
        [
          ['a', '1'],
          ['long', '2'],
        ],
        ' ',
      ),
    ).toEqual([' a     1', ' long  2'])
  })
  it('tell how far a deposit is, and why one is refused', () => {
    const deposit = { txid: 'ab', vout: 1, account: '0x' as never, sats: '10000', confirmations: 1, required: 6 }
    expect(describeDeposit({ ...deposit, status: 'confirming' })).toBe(
      'ab:1  0.0001 BTC  confirming (1 of 6 confirmations)',
    )
    expect(describeDeposit({ ...deposit, status: 'refused', reason: 'below the minimum' })).toMatch(
      /refused: below the minimum$/,
    )
  })
  it('put the devnet into one line, with what is wrong in it', () => {
    const state = {
      finality: {
        head: { number: '0x10', hash: '' },
        finalized: { number: '0xf', hash: '' },
        setId: '0x0',
        round: '0x1',
        validators: [],
        stalled: false,
      },
      bitcoin: { source: null, sourceError: null, lightClient: { hash: '', height: 113 } },
      reserves: { custodySats: '10000000000', liabilitySats: '10000000000', covered: true, paused: false },
      running: 4,
      validators: 4,
    }
    expect(statusLine(state)).toBe('block 16 | final 15 | Bitcoin 113 | reserves 100 BTC | owed 100 BTC')
    const trouble = { ...state, running: 3, reserves: { ...state.reserves, paused: true, covered: false } }
    expect(statusLine(trouble)).toMatch(/NOT COVERED \| bridge PAUSED \| 3 of 4 validators$/)
  })
  it('give an audit that names every gap', () => {
    const report = {
      block: { number: 5n, hash: '0x00' as never },
      custodySats: 100n,
      circulatingWei: 1_010_000_000_000n,
      pendingSats: 0n,
      maxFeeSats: 0n,
      claimableWei: 0n,
      liabilitySats: 101n,
      shortfallSats: 0n,
      paused: false,
      pauseId: 0n,
      covered: false,
      surplusSats: -1n,
      coins: 1,
      coinSats: 100n,
      finalityProven: true,
      bitcoin: { unspent: 0, spentByBatches: 0, missing: ['ab:0'] },
      passed: false,
    }
    const text = describeAudit(report).join('\n')
    expect(text).toMatch(/Surplus +-1 sat/)
    expect(text).toMatch(/MISSING: ab:0/)
    expect(text).toMatch(/NOT COVERED/)
  })
})
