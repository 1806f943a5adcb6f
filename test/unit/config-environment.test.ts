/** Environment variables: what they set, which of file and variable wins, and that no mistyped one is ignored. */
import { describe, expect, test } from 'vitest';
import { environmentVariables } from '../../config/environment.ts';
import { accepted, refused } from '../support/load-config.ts';

/** A value for each variable that gives a setting, unlike its default. */
const values: Record<string, [text: string, value: unknown]> = {
  PILOTLIGHT_ENVIRONMENT: ['staging', 'staging'],
  PILOTLIGHT_ROLE: ['worker', 'worker'],
  PILOTLIGHT_DATA_DIR: ['/var/lib/pilotlight', '/var/lib/pilotlight'],
  PILOTLIGHT_STORE: ['aws', 'aws'],
  PILOTLIGHT_LOG_LEVEL: ['debug', 'debug'],
  PILOTLIGHT_WEB_HOST: ['0.0.0.0', '0.0.0.0'],
  PILOTLIGHT_WEB_PORT: ['0', 0],
  REDIS_URL: ['redis://r:6380/2', 'redis://r:6380/2'],
  AWS_REGION: ['eu-west-1', 'eu-west-1'],
  AWS_DEFAULT_REGION: ['eu-west-2', 'eu-west-2'],
  AWS_ENDPOINT_URL_SECRETS_MANAGER: ['http://127.0.0.1:4566', 'http://127.0.0.1:4566'],
  AWS_ENDPOINT_URL: ['https://vpce.example', 'https://vpce.example'],
};

function at(value: unknown, key: string): unknown {
  return key.split('.').reduce<unknown>((inner, name) => (inner as Record<string, unknown> | undefined)?.[name], value);
}

const giving = environmentVariables.filter(({ key }) => key !== undefined);

describe('the table of variables', () => {
  test('names each once, says what it means, and every setting it gives exists', () => {
    expect(new Set(environmentVariables.map(({ name }) => name)).size).toBe(environmentVariables.length);
    expect(environmentVariables.every(({ meaning }) => meaning.endsWith('.'))).toBe(true);
    expect(giving.map(({ name }) => name)).toEqual(Object.keys(values));
  });

  test.for(giving)('$name sets $key', ({ name, key = '' }) => {
    const [text = '', value] = values[name] ?? [];
    expect(at(accepted({ env: { [name]: text } }), key)).toEqual(value);
    expect(at(accepted(), key)).not.toEqual(value);
  });

  test.for(giving)('$name may be empty, which says nothing', ({ name }) =>
    expect(accepted({ env: { [name]: '' } })).toEqual(accepted()));
});

describe('file and variable', () => {
  const yaml =
    'role: scheduler\nweb: { port: 9000, host: "::1" }\nstore: { kind: file, aws: { region: us-east-1 } }\nredis: { url: "redis://file" }';

  test('ours win over the file and leave the rest of its section alone', () => {
    const config = accepted({
      yaml,
      env: {
        PILOTLIGHT_ROLE: 'worker',
        PILOTLIGHT_WEB_PORT: '9001',
        PILOTLIGHT_STORE: 'aws',
        REDIS_URL: 'redis://env',
      },
    });
    expect(config).toMatchObject({
      role: 'worker',
      web: { port: 9001, host: '::1' },
      store: { kind: 'aws', aws: { region: 'us-east-1' } },
      redis: { url: 'redis://env' },
    });
  });

  test('AWS_ variables, which a cluster sets for every pod, are used where the file is silent', () => {
    const env = {
      AWS_REGION: 'eu-west-1',
      AWS_DEFAULT_REGION: 'eu-west-2',
      AWS_ENDPOINT_URL: 'https://all.example',
      AWS_ENDPOINT_URL_SECRETS_MANAGER: 'https://sm.example',
    };
    expect(accepted({ yaml, env }).store.aws).toMatchObject({ region: 'us-east-1', endpoint: 'https://sm.example' });
    expect(accepted({ yaml: 'store: aws', env }).store.aws.region).toBe('eu-west-1');
  });

  test('a bad value is reported under the variable’s name', () => {
    expect(
      refused({
        yaml,
        env: {
          PILOTLIGHT_WEB_PORT: '80a',
          PILOTLIGHT_STORE: 'disk',
          REDIS_URL: 'http://r',
          AWS_ENDPOINT_URL: 'http://far.example',
        },
      }),
    ).toEqual([
      expect.stringMatching(/^environment: PILOTLIGHT_STORE must be one of aws, file$/),
      expect.stringMatching(/^environment: AWS_ENDPOINT_URL must be an https:\/\/ URL/),
      expect.stringMatching(/^environment: REDIS_URL must be a redis:\/\/ or rediss:\/\/ URL$/),
      expect.stringMatching(/^environment: PILOTLIGHT_WEB_PORT must be a number$/),
    ]);
  });
});

describe('variables that begin with PILOTLIGHT_', () => {
  test('and are not known are refused, with the one that was meant', () => {
    expect(refused({ env: { PILOTLIGHT_DATADIR: '/x', PILOTLIGHT_COLOUR: 'red', PATH: '/bin', OTHER: '1' } })).toEqual([
      'environment: PILOTLIGHT_COLOUR is not a variable Pilotlight reads; unset it; `pilotlight config print` lists the variables read',
      'environment: PILOTLIGHT_DATADIR is not a variable Pilotlight reads; did you mean PILOTLIGHT_DATA_DIR?',
    ]);
  });

  test('may hold what the configuration says they do', () => {
    const yaml =
      'store: { file: { keyEnv: PILOTLIGHT_MY_KEY } }\nclients: { a: { clientId: x, clientSecretEnv: PILOTLIGHT_A_SECRET } }';
    expect(
      refused({ yaml, env: { PILOTLIGHT_MY_KEY: 'k', PILOTLIGHT_A_SECRET: 's', PILOTLIGHT_STORE_KEY: 'k' } }),
    ).toEqual([]);
  });

  test('and come from Kubernetes Services called pilotlight are passed over, and never taken for a port', () => {
    const env = {
      PILOTLIGHT_SERVICE_HOST: '10.0.0.9',
      PILOTLIGHT_SERVICE_PORT: '8080',
      PILOTLIGHT_SERVICE_PORT_HTTP: '8080',
      PILOTLIGHT_PORT: 'tcp://10.0.0.9:8080',
      PILOTLIGHT_PORT_8080_TCP: 'tcp://10.0.0.9:8080',
      PILOTLIGHT_PORT_8080_TCP_ADDR: '10.0.0.9',
      PILOTLIGHT_PORT_8080_TCP_PORT: '8080',
      PILOTLIGHT_PORT_8080_TCP_PROTO: 'tcp',
      PILOTLIGHT_WEB_SERVICE_HOST: '10.0.0.8',
      PILOTLIGHT_WEB_PORT: 'tcp://10.0.0.8:80',
      PILOTLIGHT_WEB_PORT_80_TCP: 'tcp://10.0.0.8:80',
    };
    expect(accepted({ env })).toEqual(accepted());
  });
});
