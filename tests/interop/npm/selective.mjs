// What Digital Bazaar's packages for BBS and for selective disclosure make of one request: a JSON object on standard input, the answer on standard output.
// Octets are hexadecimal. With `rounds` and `calls`, the answer is the processor seconds per call of each round. Every
// document that is looked up stands in the request, nothing is fetched.
import * as Bls12381Multikey from '@digitalbazaar/bls12-381-multikey';
import * as bbs from '@digitalbazaar/bbs-signatures';
import * as bbs2023 from '@digitalbazaar/bbs-2023-cryptosuite';
import * as EcdsaMultikey from '@digitalbazaar/ecdsa-multikey';
import * as ecdsaSd2023 from '@digitalbazaar/ecdsa-sd-2023-cryptosuite';
import {DataIntegrityProof} from '@digitalbazaar/data-integrity';
import jsigs from 'jsonld-signatures';

const hex = octets => Buffer.from(octets).toString('hex');
const raw = text => new Uint8Array(Buffer.from(text, 'hex'));

function loaderOf(documents) {
  return async url => {
    if(!(url in documents)) {
      throw new Error(`not in the request: ${url}`);
    }
    return {contextUrl: null, documentUrl: url, document: documents[url]};
  };
}

const purpose = () => new jsigs.purposes.AssertionProofPurpose();

const SUITES = {
  'bbs-2023': {module: bbs2023, keyOf: key => Bls12381Multikey.from(key, {algorithm: 'BBS-BLS12-381-SHA-256'})},
  'ecdsa-sd-2023': {module: ecdsaSd2023, keyOf: key => EcdsaMultikey.from(key)}
};

// Each takes a request and returns what is to be run, so that reading the request is not timed.
const ACTIONS = {
  sign: ({ciphersuite, secretKey, publicKey, header, messages}) => {
    const input = {
      ciphersuite, secretKey: raw(secretKey), publicKey: raw(publicKey), header: raw(header), messages: messages.map(raw)
    };
    return async () => hex(await bbs.sign(input));
  },
  verify: ({ciphersuite, publicKey, signature, header, messages}) => {
    const input = {
      ciphersuite, publicKey: raw(publicKey), signature: raw(signature), header: raw(header), messages: messages.map(raw)
    };
    return async () => bbs.verifySignature(input);
  },
  proofGen: ({ciphersuite, publicKey, signature, header, presentationHeader, messages, indexes}) => {
    const input = {
      ciphersuite, publicKey: raw(publicKey), signature: raw(signature), header: raw(header),
      presentationHeader: raw(presentationHeader), messages: messages.map(raw), disclosedMessageIndexes: indexes
    };
    return async () => hex(await bbs.deriveProof(input));
  },
  proofVerify: ({ciphersuite, publicKey, proof, header, presentationHeader, disclosed, indexes}) => {
    const input = {
      ciphersuite, publicKey: raw(publicKey), proof: raw(proof), header: raw(header),
      presentationHeader: raw(presentationHeader), disclosedMessages: disclosed.map(raw), disclosedMessageIndexes: indexes
    };
    return async () => bbs.verifyProof(input);
  },
  issue: ({suite, document, documents, key, mandatoryPointers, created}) => async () => {
    const pair = await SUITES[suite].keyOf(key);
    const cryptosuite = SUITES[suite].module.createSignCryptosuite({mandatoryPointers});
    return jsigs.sign(structuredClone(document), {
      suite: new DataIntegrityProof({signer: pair.signer(), date: created, cryptosuite}),
      purpose: purpose(), documentLoader: loaderOf(documents)
    });
  },
  derive: ({suite, document, documents, selectivePointers, presentationHeader}) => async () => {
    const about = presentationHeader === undefined ? {} : {presentationHeader: raw(presentationHeader)};
    const cryptosuite = SUITES[suite].module.createDiscloseCryptosuite({selectivePointers, ...about});
    return jsigs.derive(structuredClone(document), {
      suite: new DataIntegrityProof({cryptosuite}), purpose: purpose(), documentLoader: loaderOf(documents)
    });
  },
  check: ({suite, document, documents}) => async () => {
    const {verified, error} = await jsigs.verify(document, {
      suite: new DataIntegrityProof({cryptosuite: SUITES[suite].module.createVerifyCryptosuite()}),
      purpose: purpose(), documentLoader: loaderOf(documents)
    });
    return {verified, reasons: error ? [error, ...(error.errors || [])].map(String) : []};
  }
};

let text = '';
for await (const chunk of process.stdin) {
  text += chunk;
}
const {action, rounds, calls, ...request} = JSON.parse(text);
const run = ACTIONS[action](request);
let answer = await run();
if(rounds !== undefined) {
  answer = [];
  for(let round = -1; round < rounds; round++) { // One round to warm up.
    const begun = process.cpuUsage();
    for(let call = 0; call < calls; call++) {
      await run();
    }
    if(round >= 0) {
      const {user, system} = process.cpuUsage(begun);
      answer.push((user + system) / 1e6 / calls);
    }
  }
}
process.stdout.write(JSON.stringify(answer));
