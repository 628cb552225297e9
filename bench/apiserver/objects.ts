/** Objects of about 2 KB as they are stored, under names the server makes. */
const filler = (bytes: number): string => 'x'.repeat(bytes)

export const configMap = {
  apiVersion: 'v1',
  kind: 'ConfigMap',
  metadata: { generateName: 'bench-', labels: { app: 'bench' } },
  data: { value: filler(1500) },
}

export const pod = {
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { generateName: 'bench-', labels: { app: 'bench' } },
  spec: {
    containers: [
      {
        name: 'main',
        image: 'registry.example/app:1',
        command: ['/bin/app'],
        ports: [{ containerPort: 8080 }],
        resources: { requests: { cpu: '100m', memory: '64Mi' } },
      },
    ],
  },
}
