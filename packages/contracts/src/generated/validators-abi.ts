// Written by scripts/compile.mjs; do not edit.
export const validatorsAbi = [
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "chainId",
            "type": "uint64"
          },
          {
            "internalType": "uint64",
            "name": "epochLength",
            "type": "uint64"
          },
          {
            "components": [
              {
                "internalType": "address",
                "name": "session",
                "type": "address"
              },
              {
                "internalType": "address",
                "name": "beneficiary",
                "type": "address"
              },
              {
                "internalType": "bytes",
                "name": "managementKey",
                "type": "bytes"
              },
              {
                "internalType": "bytes",
                "name": "bitcoinKey",
                "type": "bytes"
              }
            ],
            "internalType": "struct Validator[]",
            "name": "validators",
            "type": "tuple[]"
          }
        ],
        "internalType": "struct ValidatorsParams",
        "name": "p",
        "type": "tuple"
      }
    ],
    "stateMutability": "nonpayable",
    "type": "constructor"
  },
  {
    "inputs": [],
    "name": "AlreadyLeaving",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "proposal",
        "type": "bytes32"
      }
    ],
    "name": "AlreadyPassed",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "AlreadyReported",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadHeader",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadParams",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "BadPublicKey",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "expected",
        "type": "address"
      }
    ],
    "name": "BadSignature",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "deadline",
        "type": "uint64"
      }
    ],
    "name": "DeadlinePassed",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "GenesisUnknown",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "KeyInUse",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "LastValidator",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NoEquivocation",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "uint256",
        "name": "number",
        "type": "uint256"
      }
    ],
    "name": "NotEpochEnd",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "NothingChanges",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "TooManyValidators",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "TooManyVotes",
    "type": "error"
  },
  {
    "inputs": [],
    "name": "Unauthorised",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "management",
        "type": "address"
      }
    ],
    "name": "UnknownManagement",
    "type": "error"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "UnknownValidator",
    "type": "error"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "validatorId",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "address",
        "name": "beneficiary",
        "type": "address"
      }
    ],
    "name": "BeneficiaryChanging",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "epoch",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "setId",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "nextSetHash",
        "type": "bytes32"
      }
    ],
    "name": "EpochClosed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "setId",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint64",
        "name": "round",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "uint8",
        "name": "kind",
        "type": "uint8"
      }
    ],
    "name": "Equivocation",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "validatorId",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "address",
        "name": "beneficiary",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "bytes",
        "name": "managementKey",
        "type": "bytes"
      },
      {
        "indexed": false,
        "internalType": "bytes",
        "name": "bitcoinKey",
        "type": "bytes"
      }
    ],
    "name": "Joining",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "validatorId",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "bytes",
        "name": "managementKey",
        "type": "bytes"
      },
      {
        "indexed": false,
        "internalType": "bytes",
        "name": "bitcoinKey",
        "type": "bytes"
      }
    ],
    "name": "KeysChanging",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "validatorId",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "indexed": false,
        "internalType": "enum LeaveReason",
        "name": "reason",
        "type": "uint8"
      }
    ],
    "name": "Leaving",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "proposal",
        "type": "bytes32"
      }
    ],
    "name": "Passed",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "timestamp",
        "type": "uint64"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "first",
        "type": "bytes32"
      },
      {
        "indexed": false,
        "internalType": "bytes32",
        "name": "second",
        "type": "bytes32"
      }
    ],
    "name": "SealEquivocation",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "validatorId",
        "type": "uint64"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "before",
        "type": "address"
      },
      {
        "indexed": true,
        "internalType": "address",
        "name": "afterwards",
        "type": "address"
      }
    ],
    "name": "SeatChanged",
    "type": "event"
  },
  {
    "anonymous": false,
    "inputs": [
      {
        "indexed": true,
        "internalType": "bytes32",
        "name": "proposal",
        "type": "bytes32"
      },
      {
        "indexed": true,
        "internalType": "uint64",
        "name": "validatorId",
        "type": "uint64"
      }
    ],
    "name": "Voted",
    "type": "event"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "session",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "beneficiary",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "managementKey",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoinKey",
            "type": "bytes"
          }
        ],
        "internalType": "struct Validator",
        "name": "candidate",
        "type": "tuple"
      },
      {
        "internalType": "uint64",
        "name": "deadline",
        "type": "uint64"
      }
    ],
    "name": "addProposal",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "pure",
    "type": "function"
  },
  {
    "inputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "session",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "beneficiary",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "managementKey",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoinKey",
            "type": "bytes"
          }
        ],
        "internalType": "struct Validator",
        "name": "candidate",
        "type": "tuple"
      },
      {
        "internalType": "uint64",
        "name": "deadline",
        "type": "uint64"
      },
      {
        "components": [
          {
            "internalType": "bytes",
            "name": "session",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "management",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoin",
            "type": "bytes"
          }
        ],
        "internalType": "struct KeyProofs",
        "name": "proofs",
        "type": "tuple"
      },
      {
        "components": [
          {
            "internalType": "address",
            "name": "management",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "signature",
            "type": "bytes"
          }
        ],
        "internalType": "struct ManagementVote[]",
        "name": "votes",
        "type": "tuple[]"
      }
    ],
    "name": "addValidator",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "beneficiaryOf",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "closeEpoch",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "count",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "currentId",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "domainSeparator",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "epoch",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "epochLength",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "genesisHash",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "getNextValidators",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "nextSetId",
        "type": "uint64"
      },
      {
        "components": [
          {
            "internalType": "address",
            "name": "session",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "beneficiary",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "managementKey",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoinKey",
            "type": "bytes"
          }
        ],
        "internalType": "struct Validator[]",
        "name": "list",
        "type": "tuple[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "getValidator",
    "outputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "session",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "beneficiary",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "managementKey",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoinKey",
            "type": "bytes"
          }
        ],
        "internalType": "struct Validator",
        "name": "",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "getValidators",
    "outputs": [
      {
        "components": [
          {
            "internalType": "address",
            "name": "session",
            "type": "address"
          },
          {
            "internalType": "address",
            "name": "beneficiary",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "managementKey",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoinKey",
            "type": "bytes"
          }
        ],
        "internalType": "struct Validator[]",
        "name": "list",
        "type": "tuple[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "proposal",
        "type": "bytes32"
      },
      {
        "internalType": "uint64",
        "name": "validatorId",
        "type": "uint64"
      }
    ],
    "name": "hasVoted",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "isSession",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "management",
        "type": "address"
      },
      {
        "internalType": "bytes",
        "name": "authorisation",
        "type": "bytes"
      }
    ],
    "name": "leaveSet",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "membershipOf",
    "outputs": [
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "validatorId",
            "type": "uint64"
          },
          {
            "internalType": "uint48",
            "name": "firstSet",
            "type": "uint48"
          },
          {
            "internalType": "uint48",
            "name": "lastSet",
            "type": "uint48"
          },
          {
            "internalType": "uint48",
            "name": "firstBlock",
            "type": "uint48"
          },
          {
            "internalType": "uint48",
            "name": "lastBlock",
            "type": "uint48"
          }
        ],
        "internalType": "struct Membership",
        "name": "",
        "type": "tuple"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "nextSetHash",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "management",
        "type": "address"
      }
    ],
    "name": "nonceOf",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      }
    ],
    "name": "offences",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "",
        "type": "uint256"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "internalType": "uint64",
        "name": "deadline",
        "type": "uint64"
      }
    ],
    "name": "removeProposal",
    "outputs": [
      {
        "internalType": "bytes32",
        "name": "",
        "type": "bytes32"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "internalType": "uint64",
        "name": "deadline",
        "type": "uint64"
      },
      {
        "components": [
          {
            "internalType": "address",
            "name": "management",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "signature",
            "type": "bytes"
          }
        ],
        "internalType": "struct ManagementVote[]",
        "name": "votes",
        "type": "tuple[]"
      }
    ],
    "name": "removeValidator",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "uint64",
        "name": "setId_",
        "type": "uint64"
      },
      {
        "internalType": "uint64",
        "name": "round",
        "type": "uint64"
      },
      {
        "internalType": "uint8",
        "name": "kind",
        "type": "uint8"
      },
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "targetNumber",
            "type": "uint64"
          },
          {
            "internalType": "bytes32",
            "name": "targetHash",
            "type": "bytes32"
          },
          {
            "internalType": "bytes",
            "name": "signature",
            "type": "bytes"
          }
        ],
        "internalType": "struct FinalityVote",
        "name": "first",
        "type": "tuple"
      },
      {
        "components": [
          {
            "internalType": "uint64",
            "name": "targetNumber",
            "type": "uint64"
          },
          {
            "internalType": "bytes32",
            "name": "targetHash",
            "type": "bytes32"
          },
          {
            "internalType": "bytes",
            "name": "signature",
            "type": "bytes"
          }
        ],
        "internalType": "struct FinalityVote",
        "name": "second",
        "type": "tuple"
      }
    ],
    "name": "reportEquivocation",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes",
        "name": "headerA",
        "type": "bytes"
      },
      {
        "internalType": "bytes",
        "name": "sealA",
        "type": "bytes"
      },
      {
        "internalType": "bytes",
        "name": "headerB",
        "type": "bytes"
      },
      {
        "internalType": "bytes",
        "name": "sealB",
        "type": "bytes"
      }
    ],
    "name": "reportSealEquivocation",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "management",
        "type": "address"
      },
      {
        "components": [
          {
            "internalType": "address",
            "name": "session",
            "type": "address"
          },
          {
            "internalType": "bytes",
            "name": "managementKey",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoinKey",
            "type": "bytes"
          }
        ],
        "internalType": "struct KeyChange",
        "name": "keys",
        "type": "tuple"
      },
      {
        "internalType": "bytes",
        "name": "authorisation",
        "type": "bytes"
      },
      {
        "components": [
          {
            "internalType": "bytes",
            "name": "session",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "management",
            "type": "bytes"
          },
          {
            "internalType": "bytes",
            "name": "bitcoin",
            "type": "bytes"
          }
        ],
        "internalType": "struct KeyProofs",
        "name": "proofs",
        "type": "tuple"
      }
    ],
    "name": "rotateKeys",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "management",
        "type": "address"
      }
    ],
    "name": "sessionOfManagement",
    "outputs": [
      {
        "internalType": "address",
        "name": "",
        "type": "address"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "management",
        "type": "address"
      },
      {
        "internalType": "address",
        "name": "beneficiary",
        "type": "address"
      },
      {
        "internalType": "bytes",
        "name": "authorisation",
        "type": "bytes"
      }
    ],
    "name": "setBeneficiary",
    "outputs": [],
    "stateMutability": "nonpayable",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "setId",
    "outputs": [
      {
        "internalType": "uint64",
        "name": "",
        "type": "uint64"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [],
    "name": "validatorIds",
    "outputs": [
      {
        "internalType": "uint64[]",
        "name": "ids",
        "type": "uint64[]"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "bytes32",
        "name": "proposal",
        "type": "bytes32"
      }
    ],
    "name": "votesOn",
    "outputs": [
      {
        "internalType": "uint256",
        "name": "votes",
        "type": "uint256"
      },
      {
        "internalType": "bool",
        "name": "passed",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  },
  {
    "inputs": [
      {
        "internalType": "address",
        "name": "session",
        "type": "address"
      },
      {
        "internalType": "uint64",
        "name": "setId_",
        "type": "uint64"
      }
    ],
    "name": "wasMember",
    "outputs": [
      {
        "internalType": "bool",
        "name": "",
        "type": "bool"
      }
    ],
    "stateMutability": "view",
    "type": "function"
  }
] as const
